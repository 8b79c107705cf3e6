package lab;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Email;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

@RestController
class Api {
    record Message(String message) {}

    record User(long id, String name, String email) {}

    record NewUser(@NotNull @Size(min = 1, max = 80) String name, @NotNull @Email String email, @Min(0) @Max(150) int age) {}

    record Created(long id, String name, String email, int age) {}

    private final String blob = "w".repeat(4096);
    private final Resource file;

    Api(@Value("${lab.file}") String path) {
        file = new FileSystemResource(path.isEmpty() ? "/dev/null" : path);
    }

    @GetMapping("/json")
    Mono<Message> json() {
        return Mono.just(new Message("Hello, World!"));
    }

    @GetMapping("/users/{id}")
    Mono<User> user(@PathVariable long id) {
        return Mono.just(new User(id, "Ada Lovelace", "ada@example.com"));
    }

    @PostMapping("/users")
    @ResponseStatus(HttpStatus.CREATED)
    Mono<Created> create(@Valid @RequestBody Mono<NewUser> body) {
        return body.map(user -> new Created(1, user.name(), user.email(), user.age()));
    }

    @GetMapping("/file")
    ResponseEntity<Resource> file() {
        return ResponseEntity.ok().contentType(MediaType.APPLICATION_OCTET_STREAM).body(file);
    }

    @GetMapping(value = "/4k", produces = "text/plain")
    Mono<String> text() {
        return Mono.just(blob);
    }

    @GetMapping("/panic")
    Mono<String> panic() {
        throw new IllegalStateException("asked for");
    }
}
