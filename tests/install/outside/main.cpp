#include <cstdio>
#include <string>

#include <weir/weir.hpp>

struct Greeting {
  std::string message;
};

int main() {
  weir::AppOptions options;
  options.log.file = "/dev/null";
  weir::App app(options);
  app.get("/hello/{name}", [](weir::Path<std::string> name) { return Greeting{"Hello, " + *name + "!"}; });
  weir::TestClient client = app.test();
  const weir::ClientResponse answer = client.get("/hello/ada");
  if (answer.status != 200 || answer.body != R"({"message":"Hello, ada!"})") {
    std::printf("the installed library answered %d: %s\n", answer.status, answer.body.c_str());
    return 1;
  }
  std::puts("outside project: ok");
  return 0;
}
