#include <string>

#include <weir/weir.hpp>

struct Greeting {
  std::string message;
};

int main(int argc, char** argv) {
  weir::App app;
  app.get("/hello/{name}", [](weir::Path<std::string> name) { return Greeting{"Hello, " + *name + "!"}; });
  return app.run(argc, argv);
}
