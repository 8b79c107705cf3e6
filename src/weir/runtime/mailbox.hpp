// What other threads tell a loop: an intrusive queue of many senders and one receiver, without locks.
#pragma once

#include <atomic>
#include <cstddef>

namespace weir::runtime {

/// A message. Exactly one of deliver() and drop() is called, on the receiver's side; the message owns itself from then
/// on.
class Mail {
 public:
  Mail() noexcept = default;
  Mail(const Mail&) = delete;
  Mail& operator=(const Mail&) = delete;

  virtual void deliver() noexcept = 0;
  /// The receiver goes away without having looked at it.
  virtual void drop() noexcept = 0;

 protected:
  virtual ~Mail() = default;

 private:
  friend class Mailbox;
  Mail* next_ = nullptr;
};

/// Senders push onto a stack, the receiver takes the whole stack and turns it round: first in, first out per sender.
class Mailbox {
 public:
  Mailbox() noexcept = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// Any thread. True when the box was empty: then, and only then, the receiver has to be woken.
  [[nodiscard]] bool push(Mail& mail) noexcept {
    Mail* head = head_.load(std::memory_order_relaxed);
    do {
      mail.next_ = head;
    } while (!head_.compare_exchange_weak(head, &mail, std::memory_order_acq_rel, std::memory_order_relaxed));
    return head == nullptr;
  }

  [[nodiscard]] bool empty() const noexcept { return head_.load(std::memory_order_acquire) == nullptr; }

  /// Receiver: delivers everything that was pushed before the call, in order; returns how many those were.
  std::size_t deliver_all() noexcept {
    std::size_t count = 0;
    for (Mail* mail = take(); mail != nullptr;) {
      Mail* next = mail->next_;
      mail->deliver();
      mail = next;
      ++count;
    }
    return count;
  }
  void drop_all() noexcept {
    for (Mail* mail = take(); mail != nullptr;) {
      Mail* next = mail->next_;
      mail->drop();
      mail = next;
    }
  }

 private:
  Mail* take() noexcept {
    Mail* mail = head_.exchange(nullptr, std::memory_order_acq_rel);
    Mail* ordered = nullptr;
    while (mail != nullptr) {
      Mail* next = mail->next_;
      mail->next_ = ordered;
      ordered = mail;
      mail = next;
    }
    return ordered;
  }

  std::atomic<Mail*> head_{nullptr};
};

}  // namespace weir::runtime
