// Loops over described containers.
#pragma once

#include <string_view>

#include "weir/json/type_info.hpp"

namespace weir::json::detail {

/// Calls each(const void* element) until it returns false; returns whether all were true.
template <class F>
bool for_each_element(const SequenceInfo& info, const void* container, F each) {
  if (info.data != nullptr) {
    const std::size_t count = info.fixed_size != 0 ? info.fixed_size : info.size(container);
    const auto* at = static_cast<const char*>(info.data(const_cast<void*>(container)));
    for (std::size_t i = 0; i < count; ++i, at += info.element->size) {
      if (!each(static_cast<const void*>(at))) return false;
    }
    return true;
  }
  struct Context {
    F& each;
    bool all = true;
  } context{each};
  info.visit(container, &context, [](void* c, const void* element) {
    auto& self = *static_cast<Context*>(c);
    return self.all = self.each(element);
  });
  return context.all;
}

/// Calls each(std::string_view key, const void* value) until it returns false; returns whether all were true.
template <class F>
bool for_each_entry(const MapInfo& info, const void* map, F each) {
  struct Context {
    F& each;
    bool all = true;
  } context{each};
  info.visit(map, &context, [](void* c, std::string_view key, const void* value) {
    auto& self = *static_cast<Context*>(c);
    return self.all = self.each(key, value);
  });
  return context.all;
}

}  // namespace weir::json::detail
