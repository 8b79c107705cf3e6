// JSON for C++ structs: what programs include. See rules.hpp for how to say more about a struct than its members do.
//
//   struct User { std::string name; int age; std::optional<std::string> email; };
//
//   weir::Result<User> user = weir::json::read<User>(R"({"name": "Ada", "age": 36})");
//   std::string text = weir::json::to_string(*user);   // {"name":"Ada","age":36,"email":null}
#pragma once

#include "weir/json/describe.hpp"
#include "weir/json/read.hpp"
#include "weir/json/rules.hpp"
#include "weir/json/write.hpp"
