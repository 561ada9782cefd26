// The questions about cycles, over the finished graph.
#include <algorithm>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/filtered_graph.hpp>
#include <boost/graph/strong_components.hpp>
#include <deque>
#include <unordered_map>
#include <utility>

#include "model/explorer/explorer.hpp"

namespace weir::explorer {
namespace {

using Kind = Action::Kind;
using Graph = boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, boost::no_property,
                                                 boost::no_property, std::uint32_t, std::uint32_t>;
using Vertex = boost::graph_traits<Graph>::vertex_descriptor;
using GraphEdge = boost::graph_traits<Graph>::edge_descriptor;

bool passes_time(const Action& action) {
  return action.kind == Kind::wait_second || action.kind == Kind::wait_deadline;
}

Graph graph_of(const Exploration& exploration) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ends;
  ends.reserve(exploration.edges());
  for (Place place = 0; place < exploration.states(); ++place) {
    for (std::size_t i = exploration.first_edge(place); i < exploration.first_edge(place + 1); ++i) {
      ends.emplace_back(place, exploration.edge(i).to);
    }
  }
  return Graph(boost::edges_are_sorted, ends.begin(), ends.end(), static_cast<std::uint32_t>(exploration.states()));
}

// Which part of the graph a question is about.
struct Part {
  std::function<bool(const Situation&)> holds;
  std::function<bool(const Edge&)> follows;
};

// Predicates for boost::filtered_graph, which wants them copyable and default constructible.
struct InPart {
  const Exploration* exploration = nullptr;
  const Graph* graph = nullptr;
  const Part* part = nullptr;
  bool operator()(Vertex v) const { return part->holds(exploration->situation(v)); }
  bool operator()(const GraphEdge& e) const { return part->follows(exploration->edge(e.idx)); }
};

constexpr std::uint32_t kNone = 0xffffffff;

class Question {
 public:
  Question(const Exploration& exploration, const Graph& graph, Part part)
      : x_(exploration), part_(std::move(part)), component_(exploration.states(), kNone) {
    const InPart in{&exploration, &graph, &part_};
    const boost::filtered_graph<Graph, InPart, InPart> filtered(graph, in, in);
    const auto map = boost::make_iterator_property_map(component_.begin(), boost::get(boost::vertex_index, graph));
    summaries_.resize(boost::strong_components(filtered, map));
    for (Place place = 0; place < x_.states(); ++place) {
      if (component_[place] != kNone) add(place);
    }
  }

  struct Summary {
    Place first = 0;  // found first, so nearest to the start
    std::size_t situations = 0, edges = 0;
    bool time = false;
    Debts always = ~Debts{0};  // owed in every situation
    Debts paid = 0;            // on some edge
  };
  [[nodiscard]] const std::vector<Summary>& components() const { return summaries_; }

  // A way round through everything that makes the component fair: time, each debt paid or absent.
  [[nodiscard]] Script cycle(const Summary& s) const {
    Script script;
    Place at = s.first;
    const auto go = [&](const std::function<bool(Place, const Edge&)>& wanted) { at = walk(at, wanted, script); };
    if (s.time) go([](Place, const Edge& e) { return passes_time(e.action); });
    Debts left = x_.situation(s.first).debts;
    for (std::uint8_t debt = 0; debt < kNoDebt; ++debt) {
      const Debts bit = Debts{1} << debt;
      if ((left & bit) == 0) continue;
      go([&](Place, const Edge& e) { return e.paid == debt || (x_.situation(e.to).debts & bit) == 0; });
    }
    if (at != s.first || script.empty()) {
      go([&](Place, const Edge& e) { return e.to == s.first; });
    }
    return script;
  }

 private:
  void add(Place place) {
    Summary& s = summaries_[component_[place]];
    if (s.situations++ == 0) s.first = place;
    s.always &= x_.situation(place).debts;
    for_each_inner(place, [&](const Edge& e) {
      s.edges += 1;
      s.time |= passes_time(e.action);
      if (e.paid != kNoDebt) s.paid |= Debts{1} << e.paid;
    });
  }

  template <class F>
  void for_each_inner(Place place, const F& f) const {
    for (std::size_t i = x_.first_edge(place); i < x_.first_edge(place + 1); ++i) {
      const Edge& e = x_.edge(i);
      if (component_[e.to] == component_[place] && part_.follows(e)) f(e);
    }
  }

  // The shortest way inside the component that ends with an edge like that.
  Place walk(Place from, const std::function<bool(Place, const Edge&)>& wanted, Script& script) const {
    std::unordered_map<Place, std::pair<Place, Action>> came;
    std::deque<Place> queue{from};
    came.emplace(from, std::pair(from, Action{}));
    while (!queue.empty()) {
      const Place here = queue.front();
      queue.pop_front();
      std::optional<Edge> last;
      for_each_inner(here, [&](const Edge& e) {
        if (!last && wanted(here, e)) last = e;
        if (came.try_emplace(e.to, std::pair(here, e.action)).second) queue.push_back(e.to);
      });
      if (!last) continue;
      Script way{last->action};
      for (Place p = here; p != from; p = came.at(p).first) way.push_back(came.at(p).second);
      script.insert(script.end(), way.rbegin(), way.rend());
      return last->to;
    }
    return from;
  }

  const Exploration& x_;
  Part part_;
  std::vector<std::uint32_t> component_;
  std::vector<Summary> summaries_;
};

}  // namespace

Components check_cycles(const Exploration& exploration, std::vector<Finding>& findings) {
  Components all;
  if (!exploration.complete()) return all;
  const Graph graph = graph_of(exploration);
  const World& world = exploration.world();

  // The first bad component of a question is enough: it is nearest to the start.
  const auto ask = [&](Check check, const std::string& what, bool known, Part part, const auto& bad) {
    const Question question(exploration, graph, std::move(part));
    const Question::Summary* nearest = nullptr;
    for (const Question::Summary& s : question.components()) {
      if (s.edges == 0) continue;
      all.examined += 1;
      all.largest = std::max(all.largest, s.situations);
      if (bad(s) && (nearest == nullptr || s.first < nearest->first)) nearest = &s;
    }
    if (nearest == nullptr) return;
    findings.push_back({check, what, exploration.path_to(nearest->first), question.cycle(*nearest), known});
  };

  ask(Check::rest, "the loop goes round and round without waiting", false,
      {[](const Situation&) { return true; }, [](const Edge& e) { return e.action.kind == Kind::turn; }},
      [](const auto&) { return true; });

  ask(Check::deadlock, "mail that nobody owes anything for, and that time does not move", false,
      {[](const Situation& s) { return s.mail && s.debts == 0; },
       [](const Edge& e) { return passes_time(e.action) || e.action.kind == Kind::turn; }},
      [](const auto&) { return true; });

  //= R-STR-05 test
  //= R-STR-09 test
  for (std::size_t m = 0; m < world.mail.size(); ++m) {
    for (std::size_t r = 0; r < world.mail[m].addresses.size(); ++r) {
      const RecipientSet bit = recipient_bit(m, r);
      ask(Check::starvation, "recipient " + std::to_string(r) + " of " + queue_id(m) + " waits for ever in a fair run",
          (world.may_starve & bit) != 0,
          {[bit](const Situation& s) { return (s.waiting & bit) != 0; },
           [bit](const Edge& e) { return (e.served & bit) == 0; }},
          [](const Question::Summary& s) { return s.time && (s.always & ~s.paid) == 0; });
    }
  }
  return all;
}

}  // namespace weir::explorer
