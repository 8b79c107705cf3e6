// An object of a described type for the length of a function.
#pragma once

#include "weir/base/recycle.hpp"
#include "weir/json/type_info.hpp"

namespace weir::json::detail {

/// A default-constructed object. REQUIRES: type.construct is there.
class Temporary {
 public:
  explicit Temporary(const TypeInfo& type) : type_(type), at_(recycle::allocate(type.size)) { type.construct(at_); }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    type_.destroy(at_);
    recycle::deallocate(at_, type_.size);
  }
  [[nodiscard]] void* get() const noexcept { return at_; }

 private:
  const TypeInfo& type_;
  void* at_;
};

}  // namespace weir::json::detail
