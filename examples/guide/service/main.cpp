// [main]
#include <weir/weir.hpp>

#include "users.hpp"

int main(int argc, char** argv) {
  weir::App app({.name = "users"});
  add_users(app);
  return app.run(argc, argv);
}
// [/main]
