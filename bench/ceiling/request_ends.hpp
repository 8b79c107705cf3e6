#pragma once
#include <cstddef>
#include <string_view>

// Counts the ends of requests (an empty line, CR LF CR LF) in a stream of bytes that arrives in pieces: the least that
// a server must find out to know how many answers are due. It is no parser: a request with a body is beyond it.
class RequestEnds {
 public:
  // The number of ends in `piece`, one that began in the piece before included.
  std::size_t count(std::string_view piece) {
    std::size_t ends = 0;
    const char* at = piece.data();
    const char* const end = at + piece.size();
    while (at != end) {
      // Far from a line end, look at every fourth byte only: any end that covers it shows there as CR or LF.
      if (matched_ == 0) {
        while (end - at >= 4 && at[3] != '\r' && at[3] != '\n') at += 4;
        if (at == end) break;
      }
      const char expected = (matched_ & 1) == 0 ? '\r' : '\n';
      if (*at == expected) {
        if (++matched_ == 4) {
          matched_ = 0;
          ++ends;
        }
      } else {
        matched_ = *at == '\r' ? 1 : 0;
      }
      ++at;
    }
    return ends;
  }

 private:
  int matched_ = 0;  // how many bytes of the end the last piece stopped in
};
