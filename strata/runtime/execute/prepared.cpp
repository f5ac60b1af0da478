#include "strata/runtime/execute/prepared.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/plan/plan.h"
#include "strata/runtime/execute/executable.h"

namespace strata::runtime {

using base::Hash128;
using ir::HostArray;
using Storage = std::shared_ptr<std::byte>;

namespace {

/// In the place of memory that was given up: one byte, whose address identifies the array.
struct HandedOver {
  std::shared_ptr<std::byte> name;
  void operator()(std::byte* memory) const { forget_memory(memory); }
};
Storage handed_over_storage() {
  const auto name = std::make_shared<std::byte>();
  return {name.get(), HandedOver{name}};
}

struct Kept {
  HostArray value;
  Hash128 program;
  std::vector<const std::byte*> memory;          ///< that it was made of
  std::vector<std::weak_ptr<std::byte>> owners;  ///< of that
};

Hash128 key_of(Hash128 program, std::span<const std::byte* const> memory) {
  return base::combine(program, base::hash_span(memory));
}

bool is_same_owner(const std::weak_ptr<std::byte>& a, const Storage& b) {
  return !a.owner_before(b) && !b.owner_before(a);
}

/// Values leave it before they are destroyed: their memory goes back to a pool that tells the store of it.
class Store {
 public:
  std::optional<HostArray> find(Hash128 key, std::span<const Storage> made_of) const {
    const std::shared_lock hold(lock_);
    const auto found = values_.find(key);
    if (found == values_.end()) return std::nullopt;
    const Kept& kept = found->second;
    for (size_t i = 0; i < made_of.size(); ++i)
      if (!is_same_owner(kept.owners[i], made_of[i])) return std::nullopt;
    return kept.value;
  }

  void keep(Hash128 key, Kept kept) {
    std::vector<Kept> gone = without_owners();
    const std::unique_lock hold(lock_);
    take_out(key, gone);
    put(key, std::move(kept));
  }

  void forget(const std::byte* memory) {
    if (count_.load(std::memory_order_relaxed) == 0) return;
    std::vector<Kept> gone;
    {
      const std::shared_lock hold(lock_);
      if (!by_memory_.contains(memory)) return;
    }
    const std::unique_lock hold(lock_);
    const auto found = by_memory_.find(memory);
    if (found == by_memory_.end()) return;
    for (const Hash128 key : std::vector(found->second)) take_out(key, gone);
    // `gone` was declared before the lock, and is destroyed behind it.
  }

  /// Of all, or of what was made of this memory.
  int64_t bytes(const std::byte* memory) {
    const std::vector<Kept> gone = without_owners();
    const std::shared_lock hold(lock_);
    int64_t total = 0;
    for (const auto& [key, kept] : values_)
      if (!memory || std::ranges::find(kept.memory, memory) != kept.memory.end()) total += kept.value.bytes();
    return total;
  }

  /// What was made of `from` is made of `to` from now on. False if there is nothing.
  bool rename(const std::byte* from, const Storage& to) {
    const std::unique_lock hold(lock_);
    const auto found = by_memory_.find(from);
    if (found == by_memory_.end()) return false;
    std::vector<Kept> all;
    for (const Hash128 key : std::vector(found->second)) take_out(key, all);
    for (Kept& kept : all) {
      for (size_t i = 0; i < kept.memory.size(); ++i) {
        if (kept.memory[i] != from) continue;
        kept.memory[i] = to.get();
        kept.owners[i] = to;
      }
      const Hash128 key = key_of(kept.program, kept.memory);
      put(key, std::move(kept));
    }
    return true;
  }

 private:
  void put(Hash128 key, Kept kept) {
    for (const std::byte* memory : kept.memory) {
      auto& keys = by_memory_[memory];
      if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
    }
    values_.emplace(key, std::move(kept));
    count_.store(values_.size(), std::memory_order_relaxed);
  }
  void take_out(Hash128 key, std::vector<Kept>& gone) {
    const auto found = values_.find(key);
    if (found == values_.end()) return;
    for (const std::byte* memory : found->second.memory)
      if (const auto keys = by_memory_.find(memory); keys != by_memory_.end()) {
        std::erase(keys->second, key);
        if (keys->second.empty()) by_memory_.erase(keys);
      }
    gone.push_back(std::move(found->second));
    values_.erase(found);
    count_.store(values_.size(), std::memory_order_relaxed);
  }
  /// Values of memory that went without telling: of a file that was mapped, of a caller's own.
  std::vector<Kept> without_owners() {
    std::vector<Kept> gone;
    const std::unique_lock hold(lock_);
    std::vector<Hash128> keys;
    for (const auto& [key, kept] : values_)
      if (std::ranges::any_of(kept.owners, [](const auto& owner) { return owner.expired(); })) keys.push_back(key);
    for (const Hash128 key : keys) take_out(key, gone);
    return gone;
  }

  mutable std::shared_mutex lock_;  ///< guards what is below
  std::unordered_map<Hash128, Kept, base::Hash128Hasher> values_;
  std::unordered_map<const std::byte*, std::vector<Hash128>> by_memory_;
  std::atomic<size_t> count_{0};
};

/// A listed registry: what is kept of weights, by the memory that they lie in.
Store& store() {
  static auto* all = new Store;  // arrays are given back until the very end of the process
  return *all;
}

std::mutex& making() {
  static auto* lock = new std::mutex;
  return *lock;
}

[[noreturn]] void refuse_handed_over(const PreparedArgument& wanted) {
  throw base::Error(base::code::kHandedOver, wanted.program->plan().name +
                                                 ": a weight was handed over to forms that other programs "
                                                 "prepared, and this program needs it in another")
      .hint("run every program that shares the weights once before their plain form is given up");
}

}  // namespace

HostArray prepared_value(const PreparedArgument& wanted, std::span<const HostArray> arguments) {
  std::vector<Storage> made_of;
  std::vector<const std::byte*> memory;
  for (int a : wanted.from) {
    made_of.push_back(arguments[a].storage());
    memory.push_back(made_of.back().get());
  }
  const Hash128 key = key_of(wanted.key, memory);
  if (auto known = store().find(key, made_of)) return std::move(*known);
  const std::lock_guard hold(making());
  if (auto known = store().find(key, made_of)) return std::move(*known);
  std::vector<HostArray> inputs;
  for (int a : wanted.from) {
    inputs.push_back(arguments[a]);
    if (is_handed_over(inputs.back())) refuse_handed_over(wanted);
  }
  HostArray value = std::move(wanted.program->run(std::move(inputs))[0]);
  store().keep(key, {value, wanted.key, std::move(memory), {made_of.begin(), made_of.end()}});
  return value;
}

void note_written(const HostArray& array) { store().forget(array.data()); }

void forget_memory(const std::byte* memory) { store().forget(memory); }

int64_t prepared_bytes() { return store().bytes(nullptr); }

int64_t prepared_bytes(const HostArray& array) { return array.data() ? store().bytes(array.data()) : 0; }

bool is_handed_over(const HostArray& array) { return std::get_deleter<HandedOver>(array.storage()) != nullptr; }

bool hand_over(HostArray& array) {
  if (is_handed_over(array)) return true;
  if (array.storage().use_count() != 1) return false;
  const Storage shell = handed_over_storage();
  if (!store().rename(array.data(), shell)) return false;
  array = HostArray(array.dtype(), array.shape(), shell);
  return true;
}

}  // namespace strata::runtime
