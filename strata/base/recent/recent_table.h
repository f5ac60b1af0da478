// A table by hash that keeps what was used last: for programs and kernels, of which a process that meets ever new
// shapes makes more than it should hold. Not safe for threads; its owner locks.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

#include "strata/base/bytes/hash.h"

namespace strata::base {

template <class T>
class RecentTable {
 public:
  /// At most `most` entries, 1 or more.
  explicit RecentTable(size_t most) : most_(most) {}

  /// The entry, which counts as used now; null if there is none. Good until the next keep().
  T* find(const Hash128& key) {
    const auto at = by_key_.find(key);
    if (at == by_key_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, at->second);
    return &at->second->second;
  }
  /// Adds the entry, unless the key has one, and drops the one that was not used for the longest time.
  T& keep(const Hash128& key, T value) {
    if (T* known = find(key)) return *known;
    if (by_key_.size() >= most_) {
      by_key_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::move(value));
    by_key_.emplace(key, entries_.begin());
    return entries_.front().second;
  }
  size_t size() const { return by_key_.size(); }
  /// Those used last first.
  template <class F>
  void for_each(F&& f) const {
    for (const auto& [key, value] : entries_) f(value);
  }

 private:
  using Entries = std::list<std::pair<Hash128, T>>;  // the last used first
  size_t most_;
  Entries entries_;
  std::unordered_map<Hash128, typename Entries::iterator, Hash128Hasher> by_key_;
};

}  // namespace strata::base
