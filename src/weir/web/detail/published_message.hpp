// A message on its way to the subscribers of a topic: encoded once, shared by all of them.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <memory>

#include "weir/base/buffer.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::detail {

/// Immutable from its publication on, but for the count of loops that still have to hand it on.
struct PublishedMessage {
  Buffer frame;   ///< The whole frame.
  Buffer packed;  ///< The same, compressed without context and with a window of 2^15; empty: not compressed.

  /// One loop has handed it to all its subscribers; the last one wakes the publisher.
  static void done(const std::shared_ptr<const PublishedMessage>& self) noexcept;
  /// The publisher does not wait any more, on its loop: when this returns nobody will look for that loop.
  void give_up() const noexcept;

  mutable std::atomic<std::size_t> left{1};  ///< Loops, and one for the publisher until it waits.
  mutable EventLoop* loop = nullptr;       ///< Where the publisher waits; written before its one of `left` is given up.
  mutable std::atomic<bool> woken{false};  ///< That loop has been posted to.
  mutable std::coroutine_handle<> awaiting;  ///< Touched on that loop only. Null: it does not wait (any more).
};

}  // namespace weir::detail
