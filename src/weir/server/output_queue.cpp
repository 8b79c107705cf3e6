#include "weir/server/output_queue.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace weir::server {

void OutputQueue::seal_tail() {
  if (tail_.size() == tail_sent_) {
    tail_.clear();
    tail_sent_ = 0;
    return;
  }
  Segment segment;
  segment.bytes = tail_.view().substr(tail_sent_);
  segment.content = std::move(tail_);  // The bytes stay where they are.
  queued_ += segment.bytes.size();
  tail_sent_ = 0;
  segments_.push_back(std::move(segment));
}

void OutputQueue::append(http::Body body) {
  if (http::FileBody* file = body.file()) return append(std::move(*file));
  const std::string_view bytes = body.bytes().value_or(std::string_view{});
  if (bytes.size() < copy_below) return tail_.append(bytes);
  seal_tail();
  Segment& segment = segments_.emplace_back();
  segment.content = std::move(body);
  // Taken after the move: a short string would have moved with its body.
  segment.bytes = *std::get<http::Body>(segment.content).bytes();
  queued_ += segment.bytes.size();
}

void OutputQueue::append(http::FileBody file) {
  if (file.length() == 0) return;
  seal_tail();
  Segment& segment = segments_.emplace_back();
  segment.file_left = file.length();
  segment.file_offset = file.offset();
  segment.fd = file.fd();
  segment.content = http::Body(std::move(file));
  queued_ += segment.file_left;
}

void OutputQueue::append_part(int fd, std::uint64_t offset, std::uint64_t size) {
  seal_tail();
  Segment& segment = segments_.emplace_back();
  segment.file_left = size;
  segment.file_offset = offset;
  segment.fd = fd;
  queued_ += size;
}

void OutputQueue::keep(http::FileBody file) {
  if (segments_.empty()) return;
  seal_tail();
  segments_.emplace_back().content = http::Body(std::move(file));
}

std::uint64_t OutputQueue::delivered(const net::Stream& stream) const noexcept {
  return written_ - std::min<std::uint64_t>(written_, stream.undelivered());
}

OutputQueue::Flush OutputQueue::flush(net::Stream& stream, std::uint64_t budget) noexcept {
  if (first_ < segments_.size()) {
    const Flush flushed = flush_segments(stream, budget);
    if (flushed != Flush::done) return flushed;
  }
  while (tail_sent_ < tail_.size()) {
    const net::IoResult result = stream.write(tail_.data() + tail_sent_, tail_.size() - tail_sent_);
    if (result.would_block()) {
      // What goes on growing at its end while it is never empty must not keep what has left.
      if (tail_sent_ >= copy_below && tail_sent_ >= tail_.size() / 2) tail_.consume(std::exchange(tail_sent_, 0));
      return Flush::blocked;
    }
    if (!result.ok()) return Flush::failed;
    tail_sent_ += result.bytes;
    written_ += result.bytes;
  }
  tail_.release();
  tail_sent_ = 0;
  return Flush::done;
}

OutputQueue::Flush OutputQueue::flush_segments(net::Stream& stream, std::uint64_t budget) noexcept {
  const std::uint64_t stop_at = written_ + budget;
  while (first_ < segments_.size()) {
    if (written_ >= stop_at) return Flush::blocked;
    Segment& segment = segments_[first_];
    if (segment.file_left == 0 && segment.bytes.empty()) {  // Kept until here.
      segment.content = Buffer();
      ++first_;
      continue;
    }
    net::IoResult result;
    if (segment.file_left != 0) {
      const std::uint64_t count = std::min<std::uint64_t>(segment.file_left, stop_at - written_);
      result = stream.send_file(segment.fd, segment.file_offset, static_cast<std::size_t>(count));
      if (result.ok() && result.bytes == 0) return Flush::failed;  // The file has become shorter: cut, do not lie.
    } else {
      std::array<iovec, 16> pieces;
      std::size_t count = 0;
      for (std::size_t i = first_; i < segments_.size() && count < pieces.size(); ++i, ++count) {
        if (segments_[i].file_left != 0) break;
        pieces[count] = {const_cast<char*>(segments_[i].bytes.data()), segments_[i].bytes.size()};
      }
      if (first_ + count == segments_.size() && count < pieces.size() && tail_.size() > tail_sent_) {
        pieces[count++] = {tail_.data() + tail_sent_, tail_.size() - tail_sent_};
      }
      result = stream.write(std::span(pieces.data(), count));
    }
    if (result.would_block()) return Flush::blocked;
    if (!result.ok()) return Flush::failed;
    written_ += result.bytes;
    std::uint64_t left = result.bytes;
    while (left != 0 && first_ < segments_.size()) {
      Segment& sent = segments_[first_];
      const bool is_file = sent.file_left != 0;
      const std::uint64_t size = is_file ? sent.file_left : sent.bytes.size();
      const std::uint64_t part = std::min(left, size);
      if (is_file) {
        sent.file_left -= part;
        sent.file_offset += part;
      } else {
        sent.bytes.remove_prefix(static_cast<std::size_t>(part));
      }
      queued_ -= part;
      left -= part;
      if (part < size) break;
      sent.content = Buffer();  // Gives the memory or the file back now, not with the last segment.
      ++first_;
    }
    tail_sent_ += static_cast<std::size_t>(left);
  }
  segments_.clear();
  first_ = 0;
  return Flush::done;
}

OutputQueue::Flush OutputQueue::write_through(net::Stream& stream, std::string_view head, std::string_view body) {
  if (has_segments() && flush(stream) == Flush::failed) return Flush::failed;
  std::size_t sent = 0;
  const std::size_t waited = tail_.size() - tail_sent_;
  if (!has_segments()) {
    const std::array<iovec, 3> pieces{iovec{tail_.data() + tail_sent_, waited},
                                      iovec{const_cast<char*>(head.data()), head.size()},
                                      iovec{const_cast<char*>(body.data()), body.size()}};
    const net::IoResult result = stream.write(std::span(pieces).subspan(waited == 0 ? 1 : 0));
    if (!result.ok() && !result.would_block()) return Flush::failed;
    sent = result.ok() ? result.bytes : 0;
    written_ += sent;
  }
  const std::size_t of_tail = std::min(sent, waited);
  tail_sent_ += of_tail;
  if (tail_sent_ == tail_.size()) {
    tail_.release();
    tail_sent_ = 0;
  }
  sent -= of_tail;
  const std::size_t of_head = std::min(sent, head.size());
  head.remove_prefix(of_head);
  body.remove_prefix(sent - of_head);
  if (head.empty() && body.empty()) return Flush::done;
  tail_.append(head);
  tail_.append(body);
  return Flush::blocked;
}

void OutputQueue::clear() noexcept {
  segments_.clear();
  first_ = 0;
  queued_ = 0;
  tail_.release();
  tail_sent_ = 0;
}

}  // namespace weir::server
