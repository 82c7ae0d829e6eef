// A value that one thread replaces while any number read it. Readers never wait: not for the writer, not for each other.
//
// A reader writes into a slot of its own which value it reads (a hazard pointer; Michael, 2004) and looks once more whether
// it is still the current one. The writer, having put a new value in place, waits until no slot names the old one.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

namespace staydown::hamming {

template <typename T>
class Published {
  struct alignas(64) Slot {
    std::atomic<bool> taken = true;
    std::atomic<const T*> reading = nullptr;
    Slot* next = nullptr;
  };

 public:
  explicit Published(std::unique_ptr<T> first) : current_(first.release()) {}
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;
  ~Published() {
    delete current_.load();
    for (Slot* slot = slots_.load(); slot != nullptr;) delete std::exchange(slot, slot->next);
  }

  // Keeps what it points to alive.
  class Reading {
   public:
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    ~Reading() {
      slot_->reading.store(nullptr, std::memory_order_release);
      slot_->taken.store(false, std::memory_order_release);
    }
    const T* operator->() const { return value_; }
    const T& operator*() const { return *value_; }

   private:
    friend class Published;
    Reading(Slot* slot, const T* value) : slot_(slot), value_(value) {}

    Slot* slot_;
    const T* value_;
  };

  Reading read() const {
    Slot* const slot = take_slot();
    for (const T* value = current_.load();; value = current_.load()) {
      slot->reading.store(value);
      if (current_.load() == value) return {slot, value};
    }
  }

  // For the writer, one thread at a time.
  T& writable() { return *current_.load(); }
  void replace(std::unique_ptr<T> next) {
    const std::unique_ptr<T> old(current_.exchange(next.release()));
    for (const Slot* slot = slots_.load(); slot != nullptr; slot = slot->next) {
      while (slot->reading.load() == old.get()) std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  }

 private:
  Slot* take_slot() const {
    for (Slot* slot = slots_.load(std::memory_order_acquire); slot != nullptr; slot = slot->next) {
      if (!slot->taken.load(std::memory_order_relaxed) && !slot->taken.exchange(true, std::memory_order_acquire)) return slot;
    }
    auto* const slot = new Slot;
    slot->next = slots_.load(std::memory_order_relaxed);
    while (!slots_.compare_exchange_weak(slot->next, slot)) {
    }
    return slot;
  }

  std::atomic<T*> current_;
  mutable std::atomic<Slot*> slots_ = nullptr;
};

}  // namespace staydown::hamming
