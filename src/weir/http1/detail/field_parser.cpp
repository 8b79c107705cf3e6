#include "weir/http1/detail/field_parser.hpp"

#include "weir/http1/detail/scan.hpp"

namespace weir::http1::detail {
namespace {

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

// Why the byte behind a field value is not CR LF: RFC 9112 section 2.2 (bare CR and LF), RFC 9110 section 5.5.
ParseError value_error(char c) noexcept {
  return c == '\n' ? ParseError::bad_line_ending : ParseError::bad_field_value;
}

}  // namespace

FieldsState FieldParser::parse(const char* base, std::size_t end, std::span<http::HeaderField> slots,
                               std::size_t max_fields, bool keep) noexcept {
  const char* p = base + position_;
  const char* const stop = base + end;
  Phase phase = phase_;
  http::HeaderId id = http::HeaderId::other;
  const auto pause = [&](Phase at) noexcept {
    phase_ = at;
    position_ = static_cast<std::size_t>(p - base);
    return FieldsState::need_more;
  };

  for (;;) {
    switch (phase) {
      case Phase::line:
        line_ = static_cast<std::size_t>(p - base);
        if (p == stop) return pause(Phase::line);
        if (*p == '\r') {
          ++p;
          phase = Phase::end_lf;
          continue;
        }
        // A line that begins with white space goes on with the value before it (RFC 9112 section 5.2), or hides behind
        // the start line (section 2.2). Both are refused.
        if (is_blank(*p)) return fail(count_ == 0 ? ParseError::bad_field_name : ParseError::folded_field);
        if (*p == '\n') return fail(ParseError::bad_line_ending);
        [[fallthrough]];

      case Phase::name: {
        p = Scan::name_end(p, stop);
        if (p == stop) return pause(Phase::name);
        const std::string_view name(base + line_, static_cast<std::size_t>(p - (base + line_)));
        // White space before the colon ends here too (RFC 9112 section 5.1).
        if (*p != ':') return fail(ParseError::bad_field_name);
        id = http::header_id(name);
        // A well-known name is a token; only the others have to be looked at.
        if (id == http::HeaderId::other && !http::is_token(name)) return fail(ParseError::bad_field_name);
        if (count_ >= max_fields) return fail(ParseError::too_many_fields);
        if (keep) {
          slots[count_].name = name;
          slots[count_].id = id;
        }
        if (present_.contains(id)) repeated_.insert(id);
        present_.insert(id);
        ++p;
        [[fallthrough]];
      }
      case Phase::before_value:
        while (p != stop && is_blank(*p)) ++p;
        if (p == stop) return pause(Phase::before_value);
        value_at_ = static_cast<std::size_t>(p - base);
        [[fallthrough]];

      case Phase::value: {
        p = Scan::value_end(p, stop);
        if (p == stop) return pause(Phase::value);
        if (*p != '\r') return fail(value_error(*p));
        if (p + 1 == stop) return pause(Phase::value);
        if (p[1] != '\n') return fail(ParseError::bad_line_ending);
        const char* value_end = p;
        const char* const value = base + value_at_;
        while (value_end != value && is_blank(value_end[-1])) --value_end;
        if (keep) slots[count_].value = {value, static_cast<std::size_t>(value_end - value)};
        ++count_;
        p += 2;
        phase = Phase::line;
        continue;
      }

      case Phase::end_lf:
        if (p == stop) return pause(Phase::end_lf);
        if (*p != '\n') return fail(ParseError::bad_line_ending);
        position_ = static_cast<std::size_t>(p + 1 - base);
        return FieldsState::complete;
    }
  }
}

void FieldParser::rebase(std::span<http::HeaderField> slots, const char* from, const char* to) const noexcept {
  // The field under way has its name already, and a value of before that nobody reads until it is overwritten.
  const bool named = phase_ == Phase::before_value || phase_ == Phase::value;
  const std::size_t n = count_ + (named ? 1 : 0);
  for (std::size_t i = 0; i < n && i < slots.size(); ++i) {
    const auto moved = [from, to](std::string_view view) noexcept {
      return std::string_view(
          to + (reinterpret_cast<std::uintptr_t>(view.data()) - reinterpret_cast<std::uintptr_t>(from)), view.size());
    };
    slots[i].name = moved(slots[i].name);
    if (i < count_) slots[i].value = moved(slots[i].value);
  }
}

}  // namespace weir::http1::detail
