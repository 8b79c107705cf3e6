#include "weir/json/value.hpp"

#include <cmath>
#include <limits>

namespace weir::json {
namespace {
const Value null_value{};
const Value::Array no_elements;
const Value::Object no_members;
}  // namespace

Value::Value(std::uint64_t v) noexcept
    : type_(v <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ? Type::integer
                                                                                      : Type::unsigned_integer) {
  scalar_.unsigned_integer = v;
}
Value::Value(std::string v) : type_(Type::string) {
  scalar_.string = new std::string(std::move(v));
}
Value::Value(Array v) : type_(Type::array) {
  scalar_.array = new Array(std::move(v));
}
Value::Value(Object v) : type_(Type::object) {
  scalar_.object = new Object(std::move(v));
}

Value::Value(const Value& other) : type_(other.type_), scalar_(other.scalar_) {
  switch (type_) {
    case Type::string:
      scalar_.string = new std::string(*other.scalar_.string);
      break;
    case Type::array:
      scalar_.array = new Array(*other.scalar_.array);
      break;
    case Type::object:
      scalar_.object = new Object(*other.scalar_.object);
      break;
    default:
      break;
  }
}

void Value::destroy() noexcept {
  switch (type_) {
    case Type::string:
      delete scalar_.string;
      break;
    case Type::array:
      delete scalar_.array;
      break;
    case Type::object:
      delete scalar_.object;
      break;
    default:
      break;
  }
}

bool Value::as_bool(bool otherwise) const noexcept {
  return type_ == Type::boolean ? scalar_.boolean : otherwise;
}

std::int64_t Value::as_integer(std::int64_t otherwise) const noexcept {
  if (type_ == Type::integer) return scalar_.integer;
  if (type_ != Type::number || std::trunc(scalar_.number) != scalar_.number ||
      std::fabs(scalar_.number) > 9007199254740992.0) {
    return otherwise;
  }
  return static_cast<std::int64_t>(scalar_.number);
}

std::uint64_t Value::as_unsigned(std::uint64_t otherwise) const noexcept {
  if (type_ == Type::unsigned_integer) return scalar_.unsigned_integer;
  const std::int64_t value = as_integer(-1);
  return value < 0 ? otherwise : static_cast<std::uint64_t>(value);
}

double Value::as_double(double otherwise) const noexcept {
  switch (type_) {
    case Type::integer:
      return static_cast<double>(scalar_.integer);
    case Type::unsigned_integer:
      return static_cast<double>(scalar_.unsigned_integer);
    case Type::number:
      return scalar_.number;
    default:
      return otherwise;
  }
}

std::string_view Value::as_string(std::string_view otherwise) const noexcept {
  return type_ == Type::string ? std::string_view(*scalar_.string) : otherwise;
}
const Value::Array& Value::as_array() const noexcept {
  return type_ == Type::array ? *scalar_.array : no_elements;
}
const Value::Object& Value::as_object() const noexcept {
  return type_ == Type::object ? *scalar_.object : no_members;
}

const Value* Value::find(std::string_view name) const noexcept {
  for (const auto& member : as_object()) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}
const Value& Value::operator[](std::string_view name) const noexcept {
  const Value* found = find(name);
  return found != nullptr ? *found : null_value;
}
const Value& Value::operator[](std::size_t index) const noexcept {
  const auto& elements = as_array();
  return index < elements.size() ? elements[index] : null_value;
}

Value::Array& Value::make_array() {
  if (type_ != Type::array) *this = Value(Array{});
  return *scalar_.array;
}
Value::Object& Value::make_object() {
  if (type_ != Type::object) *this = Value(Object{});
  return *scalar_.object;
}
std::string& Value::make_string() {
  if (type_ != Type::string) *this = Value(std::string{});
  return *scalar_.string;
}

Value& Value::set(std::string_view name, Value value) {
  for (auto& member : make_object()) {
    if (member.name == name) return member.value = std::move(value);
  }
  return scalar_.object->emplace_back(Member{std::string(name), std::move(value)}).value;
}

bool Value::operator==(const Value& other) const noexcept {
  if (type_ != other.type_) return is_number() && other.is_number() && as_double() == other.as_double();
  switch (type_) {
    case Type::null:
      return true;
    case Type::boolean:
      return scalar_.boolean == other.scalar_.boolean;
    case Type::integer:
    case Type::unsigned_integer:
      return scalar_.unsigned_integer == other.scalar_.unsigned_integer;
    case Type::number:
      return scalar_.number == other.scalar_.number;
    case Type::string:
      return *scalar_.string == *other.scalar_.string;
    case Type::array:
      return *scalar_.array == *other.scalar_.array;
    case Type::object:
      return *scalar_.object == *other.scalar_.object;
  }
  return false;
}

}  // namespace weir::json
