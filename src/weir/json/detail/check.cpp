#include "weir/json/detail/check.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

#include <re2/re2.h>

#include "weir/json/detail/number.hpp"
#include "weir/json/detail/temporary.hpp"
#include "weir/json/detail/text_forms.hpp"
#include "weir/json/detail/utf8.hpp"
#include "weir/json/detail/walk.hpp"
#include "weir/json/write.hpp"

namespace weir::json::detail {
namespace {

/// Compiles a pattern at its first use. Threads that race for it both compile, and one of the two wins. What is
/// compiled lives as long as the process, like the rules.
const re2::RE2& compiled(const Rules& rules) {
  void const*& slot = rules.pattern_slot->compiled;
  if (const void* found = __atomic_load_n(&slot, __ATOMIC_ACQUIRE)) return *static_cast<const re2::RE2*>(found);
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto fresh = std::make_unique<re2::RE2>(re2::StringPiece(rules.pattern.data(), rules.pattern.size()), options);
  const void* expected = nullptr;
  if (__atomic_compare_exchange_n(&slot, &expected, static_cast<const void*>(fresh.get()), false, __ATOMIC_ACQ_REL,
                                  __ATOMIC_ACQUIRE)) {
    return *fresh.release();
  }
  return *static_cast<const re2::RE2*>(expected);
}

std::string number_text(double number) {
  Buffer text;
  append_number(text, number);
  return std::string(text.view());
}
std::string number_text(const Bound& bound) {
  return bound.is_integer ? std::to_string(bound.integer) : number_text(bound.number);
}

/// -1, 0, 1 as the integer is below, at or above the bound.
int compare(const TypeInfo& type, std::uint64_t bits, const Bound& bound) {
  const bool huge = !type.is_signed && bits > static_cast<std::uint64_t>(INT64_MAX);
  if (huge) return 1;
  const auto value = static_cast<std::int64_t>(bits);
  if (!bound.is_integer) {
    const auto real = static_cast<double>(value);
    return real < bound.number ? -1 : real > bound.number ? 1 : 0;
  }
  return value < bound.integer ? -1 : value > bound.integer ? 1 : 0;
}
int compare(double value, const Bound& bound) {
  return value < bound.number ? -1 : value > bound.number ? 1 : 0;
}

void check_bounds(const Rules& rules, int to_min, int to_max, const Path& path, Failures& failures) {
  if (rules.min.is == Bound::Is::inclusive && to_min < 0) {
    failures.add(path, "min", "must be at least " + number_text(rules.min));
  } else if (rules.min.is == Bound::Is::exclusive && to_min <= 0) {
    failures.add(path, "exclusive_min", "must be greater than " + number_text(rules.min));
  }
  if (rules.max.is == Bound::Is::inclusive && to_max > 0) {
    failures.add(path, "max", "must be at most " + number_text(rules.max));
  } else if (rules.max.is == Bound::Is::exclusive && to_max >= 0) {
    failures.add(path, "exclusive_max", "must be less than " + number_text(rules.max));
  }
}

void check_integer(const Rules& rules, const TypeInfo& type, const void* value, const Path& path, Failures& failures) {
  const std::uint64_t bits = load_integer(value, type.size, type.is_signed);
  check_bounds(rules, rules.min.is == Bound::Is::none ? 0 : compare(type, bits, rules.min),
               rules.max.is == Bound::Is::none ? 0 : compare(type, bits, rules.max), path, failures);
  if (rules.multiple_of != 0) {
    const double real =
        type.is_signed ? static_cast<double>(static_cast<std::int64_t>(bits)) : static_cast<double>(bits);
    if (std::fmod(real, rules.multiple_of) != 0) {
      failures.add(path, "multiple_of", "must be a multiple of " + number_text(rules.multiple_of));
    }
  }
  if (rules.one_of_integer.empty()) return;
  std::string list;
  for (const std::int64_t allowed : rules.one_of_integer) {
    if (static_cast<std::uint64_t>(allowed) == bits && (type.is_signed || allowed >= 0)) return;
    if (!list.empty()) list += ", ";
    list += std::to_string(allowed);
  }
  failures.add(path, "one_of", "must be one of " + list);
}

void check_floating(const Rules& rules, double value, const Path& path, Failures& failures) {
  check_bounds(rules, compare(value, rules.min), compare(value, rules.max), path, failures);
  if (rules.multiple_of == 0) return;
  // 0.3 is a multiple of 0.1 to people: allow for the last digits.
  const double times = value / rules.multiple_of;
  if (std::fabs(times - std::round(times)) > 1e-9 * std::fmax(1.0, std::fabs(times))) {
    failures.add(path, "multiple_of", "must be a multiple of " + number_text(rules.multiple_of));
  }
}

bool check_text(const Rules& rules, std::string_view text, const Path& path, Failures& failures) {
  if (rules.min_length != 0 || rules.max_length != Rules::unbounded) {
    // A code point takes one to four bytes: most texts need no counting.
    const bool short_enough = text.size() <= rules.max_length;
    const bool long_enough = text.size() >= rules.min_length * 4;
    if (!short_enough || !long_enough) {
      const std::size_t length = code_points(text);
      if (length < rules.min_length) {
        failures.add(path, "min_length",
                     rules.min_length == 1 ? "must not be empty"
                                           : "must have at least " + std::to_string(rules.min_length) + " characters");
      }
      if (length > rules.max_length) {
        failures.add(path, "max_length", "must have at most " + std::to_string(rules.max_length) + " characters");
      }
    }
  }
  if (rules.format != weir::format::none && !has_format(text, rules.format)) {
    std::string message = "must be ";
    message += format_description(rules.format);
    failures.add(path, "format", std::move(message));
  }
  if (!rules.one_of_text.empty()) {
    std::string list;
    bool found = false;
    for (const auto allowed : rules.one_of_text) {
      if ((found = allowed == text)) break;
      if (!list.empty()) list += ", ";
      list += allowed;
    }
    if (!found) failures.add(path, "one_of", "must be one of " + list);
  }
  if (!rules.pattern.empty()) {
    const re2::RE2& expression = compiled(rules);
    if (!expression.ok()) return false;
    if (!re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), expression)) {
      failures.add(path, "pattern", "must match " + std::string(rules.pattern));
    }
  }
  return true;
}

void check_size(const Rules& rules, std::size_t size, const Path& path, Failures& failures) {
  if (size < rules.min_items) {
    failures.add(path, "min_items",
                 "must have at least " + std::to_string(rules.min_items) + (rules.min_items == 1 ? " item" : " items"));
  }
  if (size > rules.max_items) {
    failures.add(path, "max_items",
                 "must have at most " + std::to_string(rules.max_items) + (rules.max_items == 1 ? " item" : " items"));
  }
}

/// Items are the same when their JSON is.
void check_unique(const TypeInfo& type, const void* value, const Path& path, Failures& failures) {
  const SequenceInfo& info = *type.detail.sequence;
  Buffer text;
  recycle::Vector<std::size_t> ends;
  for_each_element(info, value, [&](const void* element) {
    write(*info.element, element, text);
    ends.push_back(text.size());
    return true;
  });
  recycle::Vector<std::string_view> items;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    items.push_back(text.view().substr(begin, end - begin));
    begin = end;
  }
  std::sort(items.begin(), items.end());
  if (std::adjacent_find(items.begin(), items.end()) != items.end()) {
    failures.add(path, "unique_items", "must not have an item twice");
  }
}

/// What the rules of a member are about: behind optionals, and behind what a Custom type is like.
Kind ruled_kind(const TypeInfo& type) {
  const TypeInfo* t = &value_type(type);
  while (t->kind == Kind::custom) t = &value_type(*t->detail.custom->as);
  return t->kind;
}

/// A rule that check_rules() never looks at for such a value would be no rule; empty: there is none.
std::string_view misplaced(const Rules& rules, Kind kind) {
  const bool number = kind == Kind::integer || kind == Kind::floating;
  const bool text =
      kind == Kind::string || kind == Kind::string_view || kind == Kind::text || kind == Kind::enumeration;
  const bool items = kind == Kind::sequence || kind == Kind::map || kind == Kind::bytes;
  const bool for_numbers = rules.min.is != Bound::Is::none || rules.max.is != Bound::Is::none ||
                           rules.multiple_of != 0 || !rules.one_of_integer.empty();
  const bool for_texts = rules.min_length != 0 || rules.max_length != Rules::unbounded || !rules.pattern.empty() ||
                         rules.format != weir::format::none || !rules.one_of_text.empty();
  const bool for_items = rules.min_items != 0 || rules.max_items != Rules::unbounded || rules.unique_items;
  if (for_numbers && !number) return "min, max, multiple_of and one_of with numbers are for numbers";
  if (for_texts && !text) return "min_length, max_length, pattern, format and one_of with texts are for texts";
  if (for_items && !items) return "min_items, max_items and unique_items are for lists and maps";
  return {};
}

}  // namespace

void prepare_rules(const Rules& rules, const TypeInfo& member_type, std::string_view type, std::string_view member) {
  if (const std::string_view wrong = misplaced(rules, ruled_kind(member_type)); !wrong.empty()) {
    throw std::invalid_argument("the rules of " + std::string(type) + "." + std::string(member) + ": " +
                                std::string(wrong));
  }
  if (rules.pattern.empty()) return;
  const re2::RE2& expression = compiled(rules);
  if (expression.ok()) return;
  throw std::invalid_argument("the pattern of " + std::string(type) + "." + std::string(member) + ", " +
                              std::string(rules.pattern) + ", is no regular expression: " + expression.error());
}

bool check_rules(const Rules& rules, const TypeInfo& type, const void* value, const Path& path, Failures& failures) {
  switch (type.kind) {
    case Kind::optional: {
      const void* inner = type.detail.optional->get(value);
      return inner == nullptr || check_rules(rules, *type.detail.optional->value, inner, path, failures);
    }
    case Kind::integer:
      check_integer(rules, type, value, path, failures);
      return true;
    case Kind::floating:
      check_floating(
          rules, type.size == sizeof(double) ? *static_cast<const double*>(value) : *static_cast<const float*>(value),
          path, failures);
      return true;
    case Kind::string:
      return check_text(rules, *static_cast<const std::string*>(value), path, failures);
    case Kind::string_view:
      return check_text(rules, *static_cast<const std::string_view*>(value), path, failures);
    case Kind::text:
    case Kind::enumeration: {
      Buffer scratch;
      return check_text(rules, print_text(type, value, scratch), path, failures);
    }
    case Kind::sequence:
      check_size(rules, type.detail.sequence->size(value), path, failures);
      if (rules.unique_items) check_unique(type, value, path, failures);
      return true;
    case Kind::map:
      check_size(rules, type.detail.map->size(value), path, failures);
      return true;
    case Kind::bytes:
      check_size(rules, type.detail.bytes->get(value).size(), path, failures);
      return true;
    case Kind::custom: {
      const Temporary like(*type.detail.custom->as);
      type.detail.custom->store(value, like.get());
      return check_rules(rules, *type.detail.custom->as, like.get(), path, failures);
    }
    default:
      return true;
  }
}

namespace {

/// Numbers and texts have rules only as members.
bool can_hold_rules(const TypeInfo& type) {
  return type.kind >= Kind::optional && type.kind < Kind::value;
}

bool check_object(const TypeInfo& type, const void* value, const Path& path, Failures& failures) {
  const ObjectInfo& info = *type.detail.object;
  const std::size_t before = failures.count();
  for (const Field& field : info.fields) {
    const Path below{.up = &path, .name = field.name};
    if (field.checked && !check_rules(*field.rules, *field.type, field.in(value), below, failures)) return false;
    if (!check_value(*field.type, field.in(value), below, failures)) return false;
  }
  if (info.validate != nullptr && failures.count() == before) {
    std::vector<FieldError> found;
    info.validate(value, found);
    failures.add_below(path, std::move(found));
  }
  return true;
}

bool check_elements(const SequenceInfo& info, const void* value, const Path& path, Failures& failures) {
  if (!can_hold_rules(*info.element)) return true;
  std::size_t index = 0;
  return for_each_element(info, value, [&](const void* element) {
    return check_value(*info.element, element, Path{.up = &path, .index = index++}, failures);
  });
}

bool check_tuple(const TupleInfo& info, const void* value, const Path& path, Failures& failures) {
  for (std::size_t i = 0; i < info.elements.size(); ++i) {
    const void* element = info.get(const_cast<void*>(value), i);
    if (!check_value(*info.elements[i], element, Path{.up = &path, .index = i}, failures)) return false;
  }
  return true;
}

}  // namespace

bool check_value(const TypeInfo& type, const void* value, const Path& path, Failures& failures) {
  switch (type.kind) {
    case Kind::object:
      return check_object(type, value, path, failures);
    case Kind::optional: {
      const void* inner = type.detail.optional->get(value);
      return inner == nullptr || check_value(*type.detail.optional->value, inner, path, failures);
    }
    case Kind::variant: {
      const VariantInfo& info = *type.detail.variant;
      const std::size_t index = info.index(value);
      return index >= info.alternatives.size() ||
             check_value(*info.alternatives[index], info.get(value), path, failures);
    }
    case Kind::sequence:
      return check_elements(*type.detail.sequence, value, path, failures);
    case Kind::map:
      return for_each_entry(*type.detail.map, value, [&](std::string_view key, const void* entry) {
        return check_value(*type.detail.map->value, entry, Path{.up = &path, .name = key}, failures);
      });
    case Kind::tuple:
      return check_tuple(*type.detail.tuple, value, path, failures);
    default:
      return true;
  }
}

}  // namespace weir::json::detail
