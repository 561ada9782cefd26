// address: any text as a mail address.
//
//   to_internal(to_external(x)) = x                 whatever x is
//   |to_external(x)| <= 2 |x| + 2
//   domain_of(x) = d  =>  x ends in d, and d has no '@'
//   is_queue_id(x)    =>  path(queue, x) ends in "/" x, and has at most kDepthMax folders between
#include <string>

#include "codec/address.hpp"
#include "codec/queue_id.hpp"
#include "contract/check.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {

void run(std::string_view input) {
  const std::string external = codec::to_external(input);
  WEIR_CHECK(codec::to_internal(external) == input);
  WEIR_CHECK(external.size() <= 2 * input.size() + 2);
  const std::string_view domain = codec::domain_of(input);
  WEIR_CHECK(input.ends_with(domain) && domain.find('@') == std::string_view::npos);
  (void)codec::to_internal(input);
  if (!codec::is_queue_id(input)) return;
  for (const int depth : {-1, 1, 3, 1000}) {
    const codec::QueueHash hash("deferred", depth);
    const std::string path = hash.path("deferred", input);
    WEIR_CHECK(path.starts_with("deferred/") && path.ends_with("/" + std::string{input}));
    const std::size_t folders = path.size() - input.size() - std::string_view{"deferred/"}.size();
    WEIR_CHECK(folders <= 2 * codec::QueueHash::kDepthMax && folders % 2 == 0);
    WEIR_CHECK(hash.path("active", input) == "active/" + std::string{input});
  }
}

}  // namespace weir::fuzz
