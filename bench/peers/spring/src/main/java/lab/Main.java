// The lab's service with Spring WebFlux on Netty.
package lab;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class Main {
    public static void main(String[] arguments) {
        // "--port 80" as "port" -> "80".
        Map<String, String> given = Arrays.stream(String.join("\n", arguments).split("(^|\n)--"))
            .filter(one -> !one.isEmpty()).map(one -> one.split("\n", 2))
            .collect(Collectors.toMap(pair -> pair[0], pair -> pair.length > 1 ? pair[1] : ""));
        System.setProperty("lab.log", given.getOrDefault("log", "/dev/null"));
        System.setProperty("lab.file", given.getOrDefault("file", ""));
        System.setProperty("lab.routes", given.getOrDefault("routes", "0"));
        System.setProperty("lab.chain", given.getOrDefault("chain", "none"));
        System.setProperty("server.port", given.getOrDefault("port", "8080"));
        SpringApplication.run(Main.class);
    }
}
