// The engine's containers against the standard library's, over random operations.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/store/id_map.hpp"
#include "engine/store/list.hpp"
#include "engine/store/name_table.hpp"
#include "engine/store/packed_recipients.hpp"
#include "engine/store/pool.hpp"
#include "engine/store/prefix_tree.hpp"
#include "engine/store/timer_queue.hpp"
#include "engine/store/tree.hpp"
#include "engine/store/wheel.hpp"

namespace weir::engine {
namespace {

class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint64_t below(std::uint64_t bound) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ % bound;
  }

 private:
  std::uint64_t state_;
};

struct Node {
  TreeLinks<Node> tree;
  ListLinks<Node> list;
  std::uint32_t name_hash = 0;
  std::string name;
  int key = 0;
  int least = 0;  // in its subtree
  void reset() { *this = {}; }
};
struct Least {
  static bool sum(Node& node, const Node* left, const Node* right) {
    int least = node.key;
    if (left != nullptr) least = std::min(least, left->least);
    if (right != nullptr) least = std::min(least, right->least);
    const bool changed = least != node.least;
    node.least = least;
    return changed;
  }
};
using NodeTree = Tree<Node, &Node::tree, Least>;

std::vector<std::uint32_t> places(const NodeTree& tree, const Pool<Node>& pool) {
  std::vector<std::uint32_t> all;
  for (Ref<Node> x = tree.first(); x; x = tree.next(pool, x)) all.push_back(x.place);
  std::vector<std::uint32_t> back;
  for (Ref<Node> x = tree.last(); x; x = tree.previous(pool, x)) back.push_back(x.place);
  std::reverse(back.begin(), back.end());
  EXPECT_EQ(all, back);
  return all;
}

TEST(EngineStore, TreeIsAnOrderedSetWithEqualsInOrderOfInsertion) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Numbers numbers(seed);
    Pool<Node> pool;
    NodeTree tree;
    std::vector<Ref<Node>> expected;
    const auto before = [&](Ref<Node> a, Ref<Node> b) { return pool[a].key < pool[b].key; };
    for (int step = 0; step < 400; ++step) {
      if (expected.empty() || numbers.below(5) < 3) {
        const Ref<Node> x = pool.take();
        pool[x].key = static_cast<int>(numbers.below(40));
        tree.insert(pool, x, [](const Node& a, const Node& b) { return a.key < b.key; });
        expected.insert(std::upper_bound(expected.begin(), expected.end(), x, before), x);
      } else {
        const auto at = expected.begin() + static_cast<std::ptrdiff_t>(numbers.below(expected.size()));
        tree.erase(pool, *at);
        pool.release(*at);
        expected.erase(at);
      }
      std::vector<std::uint32_t> want;
      for (const Ref<Node> x : expected) want.push_back(x.place);
      ASSERT_EQ(places(tree, pool), want);
      ASSERT_EQ(pool.size(), expected.size());
      const int probe = static_cast<int>(numbers.below(41));
      const Ref<Node> found = tree.first_where(pool, [&](const Node& n) { return n.key >= probe; });
      const auto reference =
          std::find_if(expected.begin(), expected.end(), [&](Ref<Node> x) { return pool[x].key >= probe; });
      ASSERT_EQ(found, reference == expected.end() ? Ref<Node>{} : *reference);
    }
  }
}

TEST(EngineStore, TreeIsASequenceThatKnowsSomethingOfEveryPart) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Numbers numbers(seed);
    Pool<Node> pool;
    NodeTree tree;
    std::vector<Ref<Node>> expected;
    for (int step = 0; step < 400; ++step) {
      const std::uint64_t kind = numbers.below(6);
      if (expected.empty() || kind < 3) {
        const Ref<Node> x = pool.take();
        pool[x].key = static_cast<int>(numbers.below(1000));
        const auto at = static_cast<std::ptrdiff_t>(numbers.below(expected.size() + 1));
        tree.insert_after(pool, at == 0 ? Ref<Node>{} : expected[static_cast<std::size_t>(at - 1)], x);
        expected.insert(expected.begin() + at, x);
      } else if (kind < 5) {
        const auto at = expected.begin() + static_cast<std::ptrdiff_t>(numbers.below(expected.size()));
        tree.erase(pool, *at);
        pool.release(*at);
        expected.erase(at);
      } else {
        const Ref<Node> x = expected[numbers.below(expected.size())];
        pool[x].key = static_cast<int>(numbers.below(1000));
        tree.update(pool, x);
      }
      std::vector<std::uint32_t> want;
      int least = 1000;
      for (const Ref<Node> x : expected) {
        want.push_back(x.place);
        least = std::min(least, pool[x].key);
      }
      ASSERT_EQ(places(tree, pool), want);
      if (!expected.empty()) {
        ASSERT_EQ(pool[tree.root()].least, least);
      }
    }
  }
}

TEST(EngineStore, ListKeepsItsOrder) {
  Numbers numbers(7);
  Pool<Node> pool;
  List<Node, &Node::list> list;
  std::vector<Ref<Node>> expected;
  for (int step = 0; step < 2000; ++step) {
    const std::uint64_t kind = numbers.below(4);
    if (expected.empty() || kind < 2) {
      const Ref<Node> x = pool.take();
      if (kind == 0) {
        list.push_front(pool, x);
        expected.insert(expected.begin(), x);
      } else {
        list.push_back(pool, x);
        expected.push_back(x);
      }
    } else {
      const auto at = expected.begin() + static_cast<std::ptrdiff_t>(numbers.below(expected.size()));
      list.erase(pool, *at);
      pool.release(*at);
      expected.erase(at);
    }
    std::vector<Ref<Node>> all;
    for (Ref<Node> x = list.front(); x; x = decltype(list)::next(pool, x)) all.push_back(x);
    ASSERT_EQ(all, expected);
    ASSERT_EQ(list.back(), expected.empty() ? Ref<Node>{} : expected.back());
  }
}

TEST(EngineStore, IdMapFindsWhatIsThere) {
  struct Known {
    MessageId id;
    void reset() { *this = {}; }
  };
  Numbers numbers(3);
  Pool<Known> pool;
  IdMap<MessageId, Known> map;
  std::map<std::uint64_t, Ref<Known>> expected;
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 32;
  std::uint64_t last = 0;
  for (int step = 0; step < 20000; ++step) {
    if (expected.empty() || numbers.below(8) < 4) {
      last += 1 + numbers.below(3);
      // Some are alike in their lower halves.
      for (const std::uint64_t id : {last, last + kHalf}) {
        if (id != last && numbers.below(4) != 0) continue;
        const Ref<Known> ref = pool.take();
        pool[ref].id = MessageId{id};
        map.insert(MessageId{id}, ref);
        expected[id] = ref;
      }
    } else {
      const auto at = std::next(
          expected.begin(), static_cast<std::ptrdiff_t>(numbers.below(std::min<std::uint64_t>(expected.size(), 20))));
      map.erase(MessageId{at->first}, at->second);
      pool.release(at->second);
      expected.erase(at);
    }
    const std::uint64_t probe = numbers.below(last + 2) + (numbers.below(4) == 0 ? kHalf : 0);
    const auto found = expected.find(probe);
    ASSERT_EQ(map.find(pool, MessageId{probe}), found == expected.end() ? Ref<Known>{} : found->second);
    ASSERT_EQ(map.size(), expected.size());
  }
  std::map<std::uint64_t, Ref<Known>> all;
  map.for_each([&](Ref<Known> ref) { all[pool[ref].id.value] = ref; });
  EXPECT_EQ(all, expected);
}

TEST(EngineStore, NameTableFindsWhatIsThere) {
  Numbers numbers(5);
  Pool<Node> pool;
  NameTable<Node> table;
  std::map<std::string, Ref<Node>> expected;
  for (int step = 0; step < 5000; ++step) {
    const std::string name = "host" + std::to_string(numbers.below(300));
    const auto found = expected.find(name);
    ASSERT_EQ(table.find(pool, name), found == expected.end() ? Ref<Node>{} : found->second);
    if (found == expected.end()) {
      const Ref<Node> x = pool.take();
      pool[x].name = name;
      table.insert(pool, x);
      expected[name] = x;
    } else {
      table.erase(pool, found->second);
      pool.release(found->second);
      expected.erase(found);
    }
  }
}

TEST(EngineStore, PrefixTreeKnowsTheGreatestSumOfAFrontPart) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Numbers numbers(seed);
    PrefixTree tree;
    EXPECT_EQ(tree.greatest(), 0);
    EXPECT_TRUE(tree.full());
    const std::size_t room = 1 + numbers.below(40);
    tree.reset(room);
    std::vector<std::int64_t> row;
    for (int step = 0; step < 300; ++step) {
      if (!tree.full() && (row.empty() || numbers.below(4) == 0)) {
        ASSERT_EQ(tree.append(), row.size());
        row.push_back(0);
      } else {
        const std::size_t at = numbers.below(row.size());
        row[at] = static_cast<std::int64_t>(numbers.below(11)) - 5;
        tree.set(at, row[at]);
      }
      std::int64_t sum = 0;
      std::int64_t greatest = 0;
      for (const std::int64_t value : row) greatest = std::max(greatest, sum += value);
      ASSERT_EQ(tree.greatest(), greatest);
    }
  }
}

// Beside a list that is turned by hand.
TEST(EngineStore, WheelTurnsAndKnowsItsFrontParts) {
  struct Place {
    Ref<Spoke> spoke;
    std::int64_t value = 0;
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Numbers numbers(seed);
    Wheel wheel;
    std::vector<Place> list;
    std::uint32_t last = 0;
    for (int i = 0; i < 400; ++i) {
      const auto pick = [&] { return static_cast<std::ptrdiff_t>(numbers.below(list.size())); };
      const std::uint64_t what = numbers.below(list.size() > 20 ? 8 : 5);
      if (what == 0 || list.empty()) {
        list.push_back({wheel.append(Ref<Destination>{++last}), 0});
        EXPECT_EQ(wheel.destination(list.back().spoke).place, last);
      } else if (what == 1 || what > 4) {
        const auto gone = list.begin() + pick();
        wheel.erase(gone->spoke);
        list.erase(gone);
      } else if (what == 2) {
        const auto chosen = list.begin() + pick();
        wheel.turn_past(chosen->spoke);
        std::rotate(list.begin(), chosen + 1, list.end());
      } else {
        Place& place = list[static_cast<std::size_t>(pick())];
        place.value = static_cast<std::int64_t>(numbers.below(9)) - (what == 3 ? 8 : 4);
        wheel.set(place.spoke, place.value);
      }
      std::vector<std::uint32_t> expected;
      std::vector<std::uint32_t> found;
      std::int64_t sum = 0;
      std::int64_t greatest = 0;
      Ref<Spoke> first;
      for (std::size_t k = 0; k < list.size(); ++k) {
        expected.push_back(list[k].spoke.place);
        if (!first && list[k].value > 0) first = list[k].spoke;
        greatest = std::max(greatest, sum += list[k].value);
        EXPECT_EQ(wheel.rank(list[k].spoke), k);
      }
      for (Ref<Spoke> x = wheel.front(); x; x = wheel.next(x)) found.push_back(x.place);
      EXPECT_EQ(found, expected);
      EXPECT_EQ(wheel.first_above_0(), first);
      EXPECT_EQ(wheel.greatest(), greatest);
    }
  }
}

TEST(EngineStore, TimersRunByTimeAndThenInOrderOfSetting) {
  Numbers numbers(11);
  TimerQueue queue;
  std::vector<std::pair<std::int64_t, std::uint64_t>> expected;  // due, serial
  std::vector<Ref<Timer>> handles;
  std::map<std::uint64_t, Ref<Timer>> by_serial;
  for (int step = 0; step < 5000; ++step) {
    const std::uint64_t kind = numbers.below(4);
    if (kind < 2) {
      const auto due = static_cast<std::int64_t>(numbers.below(50));
      const Ref<Timer> handle = queue.set({.due = Seconds{due}});
      expected.emplace_back(due, queue.last_serial());
      by_serial[queue.last_serial()] = handle;
    } else if (!expected.empty() && kind == 2) {
      const auto at = expected.begin() + static_cast<std::ptrdiff_t>(numbers.below(expected.size()));
      Ref<Timer> handle = by_serial.at(at->second);
      by_serial.erase(at->second);
      queue.cancel(handle);
      EXPECT_FALSE(handle);
      expected.erase(at);
    } else {
      const auto now = static_cast<std::int64_t>(numbers.below(50));
      const auto first = std::min_element(expected.begin(), expected.end());
      const bool due = first != expected.end() && first->first <= now;
      const auto timer = queue.take_due(Seconds{now}, queue.last_serial());
      ASSERT_EQ(timer.has_value(), due);
      if (due) {
        ASSERT_EQ(timer->serial, first->second);
        by_serial.erase(first->second);
        expected.erase(first);
      }
    }
    const auto first = std::min_element(expected.begin(), expected.end());
    ASSERT_EQ(queue.next_due(), first == expected.end() ? std::nullopt : std::optional(Seconds{first->first}));
  }
  EXPECT_FALSE(TimerQueue{}.take_due(Seconds{9}, 9));
}

TEST(EngineStore, ATimerSetMeanwhileWaits) {
  TimerQueue queue;
  queue.set({.due = Seconds{1}});
  const std::uint64_t last = queue.last_serial();
  queue.set({.due = Seconds{1}});
  EXPECT_TRUE(queue.take_due(Seconds{1}, last));
  EXPECT_FALSE(queue.take_due(Seconds{1}, last));
}

Recipient recipient(std::int64_t offset, std::string address, std::string original, std::string orcpt,
                    unsigned notify) {
  Recipient r;
  r.offset = offset;
  r.address = std::move(address);
  r.original = std::move(original);
  r.dsn_orcpt = std::move(orcpt);
  r.notify = notify;
  return r;
}

TEST(EngineStore, RecipientsArePackedWithoutLoss) {
  const std::vector<Recipient> all = {
      recipient(0, "", "", "", 0),
      recipient(1, "a@b", "a@b", "", 7),
      recipient(std::int64_t{1} << 40, "user@example.com", "User@Example.COM", "rfc822;User@Example.COM", 15),
      recipient(-5, std::string(3000, 'x') + "@y", "", std::string("nul\0inside", 10), 1),
      recipient(127, "a", "", "", 128),
      recipient(128, "", "a", "", ~0U)};
  TextPool pool;
  PackedRecipients packed;
  packed.append(pool, all.data(), all.data() + 2);
  packed.append(pool, all.data() + 2, all.data() + all.size());
  EXPECT_EQ(packed.count(), all.size());
  EXPECT_EQ(packed.unpack(), all);
  PackedRecipients other;
  other.take_over(packed);
  EXPECT_EQ(packed.count(), 0U);
  EXPECT_EQ(packed.unpack(), std::vector<Recipient>{});
  EXPECT_EQ(other.unpack(), all);
  other.release(pool);
  EXPECT_EQ(other.count(), 0U);
}

// What is still held when the pool goes goes with it (a leak, if not).
TEST(EngineStore, LargeTextsGoWithTheirPool) {
  TextPool pool;
  char* const first = pool.take(5000);
  char* const second = pool.take(2000);
  char* const third = pool.take(3000);
  std::fill(first, first + 5000, 'x');
  std::fill(third, third + 3000, 'z');
  pool.release(second, 2000);
  EXPECT_EQ(std::count(first, first + 5000, 'x'), 5000);
  EXPECT_EQ(std::count(third, third + 3000, 'z'), 3000);
}

TEST(EngineStore, TextMemoryIsUsedAgain) {
  TextPool pool;
  char* const first = pool.take(40);
  pool.release(first, 40);
  EXPECT_EQ(pool.take(33), first) << "the same class of sizes";
  EXPECT_NE(pool.take(41), first);
  char* const large = pool.take(100'000);
  large[99'999] = 'x';
  pool.release(large, 100'000);
  pool.release(nullptr, 0);
}

}  // namespace
}  // namespace weir::engine
