// JSON whose type is not known: json::Value owns any value, json::Raw its text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::json {

/// The text of one JSON value, verbatim. Reading checks that it is JSON; writing trusts it.
struct Raw {
  std::string text = "null";
  bool operator==(const Raw&) const = default;
};

/// Any JSON value. A regular type: copies are deep. Members of objects keep their order. Integers that fit 64 bits stay
/// exact; other numbers are doubles.
class Value {
 public:
  enum class Type : std::uint8_t { null, boolean, integer, unsigned_integer, number, string, array, object };
  using Array = std::vector<Value>;
  struct Member;
  using Object = std::vector<Member>;

  Value() noexcept = default;
  Value(std::nullptr_t) noexcept {}                                               // NOLINT(google-explicit-constructor)
  Value(bool v) noexcept : type_(Type::boolean) { scalar_.boolean = v; }          // NOLINT(google-explicit-constructor)
  Value(int v) noexcept : Value(static_cast<std::int64_t>(v)) {}                  // NOLINT(google-explicit-constructor)
  Value(std::int64_t v) noexcept : type_(Type::integer) { scalar_.integer = v; }  // NOLINT(google-explicit-constructor)
  /// An integer where it fits one, otherwise an unsigned_integer.
  Value(std::uint64_t v) noexcept;                                        // NOLINT(google-explicit-constructor)
  Value(double v) noexcept : type_(Type::number) { scalar_.number = v; }  // NOLINT(google-explicit-constructor)
  Value(std::string v);                                                   // NOLINT(google-explicit-constructor)
  Value(std::string_view v) : Value(std::string(v)) {}                    // NOLINT(google-explicit-constructor)
  Value(const char* v) : Value(std::string(v)) {}                         // NOLINT(google-explicit-constructor)
  Value(Array v);                                                         // NOLINT(google-explicit-constructor)
  Value(Object v);                                                        // NOLINT(google-explicit-constructor)
  Value(const Value& other);
  Value(Value&& other) noexcept : type_(std::exchange(other.type_, Type::null)), scalar_(other.scalar_) {}
  Value& operator=(Value other) noexcept {
    std::swap(type_, other.type_);
    std::swap(scalar_, other.scalar_);
    return *this;
  }
  ~Value() {
    if (type_ >= Type::string) destroy();
  }

  [[nodiscard]] Type type() const noexcept { return type_; }
  [[nodiscard]] bool is_null() const noexcept { return type_ == Type::null; }
  [[nodiscard]] bool is_string() const noexcept { return type_ == Type::string; }
  [[nodiscard]] bool is_array() const noexcept { return type_ == Type::array; }
  [[nodiscard]] bool is_object() const noexcept { return type_ == Type::object; }
  [[nodiscard]] bool is_number() const noexcept { return type_ >= Type::integer && type_ <= Type::number; }

  /// The value as that type, or the fallback when it is another.
  [[nodiscard]] bool as_bool(bool otherwise = false) const noexcept;
  [[nodiscard]] std::int64_t as_integer(std::int64_t otherwise = 0) const noexcept;
  [[nodiscard]] std::uint64_t as_unsigned(std::uint64_t otherwise = 0) const noexcept;
  [[nodiscard]] double as_double(double otherwise = 0) const noexcept;
  [[nodiscard]] std::string_view as_string(std::string_view otherwise = {}) const noexcept;
  /// The elements or members; empty when it is something else.
  [[nodiscard]] const Array& as_array() const noexcept;
  [[nodiscard]] const Object& as_object() const noexcept;

  /// The member of that name, or a null value.
  [[nodiscard]] const Value& operator[](std::string_view name) const noexcept;
  /// The element, or a null value.
  [[nodiscard]] const Value& operator[](std::size_t index) const noexcept;
  [[nodiscard]] const Value* find(std::string_view name) const noexcept;

  /// Becomes an array or object if it is none, and returns its contents.
  Array& make_array();
  Object& make_object();
  std::string& make_string();
  /// The member of that name, made if it is not there.
  Value& set(std::string_view name, Value value);

  bool operator==(const Value& other) const noexcept;

 private:
  void destroy() noexcept;
  union Scalar {
    std::uint64_t unsigned_integer = 0;
    std::int64_t integer;
    double number;
    bool boolean;
    std::string* string;
    Array* array;
    Object* object;
  };
  Type type_ = Type::null;
  Scalar scalar_;
};

struct Value::Member {
  std::string name;
  Value value;
  bool operator==(const Member&) const = default;
};

}  // namespace weir::json
