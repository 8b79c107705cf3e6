// What the tests of the guide share.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <weir/weir.hpp>

namespace guide {

/// Options for an application whose log nobody reads.
inline weir::AppOptions quiet() {
  weir::AppOptions options;
  options.log.file = "/dev/null";
  return options;
}

/// JSON without the spaces and line breaks between its tokens.
inline std::string compact(std::string_view json) {
  std::string out;
  bool text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!text && (c == ' ' || c == '\n')) continue;
    out += c;
    if (text && c == '\\' && i + 1 < json.size()) {
      out += json[++i];
    } else if (c == '"') {
      text = !text;
    }
  }
  return out;
}

/// An answer that a page shows (answers/NAME), compact.
inline std::string shown(const std::string& name) {
  std::ifstream file(std::string(GUIDE_DIR) + "/answers/" + name);
  return compact(std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace guide
