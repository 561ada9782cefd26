// For MemorySanitizer: what the C++ library writes behind its headers, where the sanitizer does not see it. Linked with
// --wrap, so that calls come here first.
#include <sanitizer/msan_interface.h>

#include <map>

#define WEIR_INSERT _ZSt29_Rb_tree_insert_and_rebalancebPSt18_Rb_tree_node_baseS0_RS_
#define WEIR_PASTE(prefix, name) prefix##name
#define WEIR_NAME(prefix, name) WEIR_PASTE(prefix, name)

extern "C" {
void WEIR_NAME(__real_, WEIR_INSERT)(bool left, std::_Rb_tree_node_base* node, std::_Rb_tree_node_base* parent,
                                     std::_Rb_tree_node_base& header) noexcept;
void WEIR_NAME(__wrap_, WEIR_INSERT)(bool left, std::_Rb_tree_node_base* node, std::_Rb_tree_node_base* parent,
                                     std::_Rb_tree_node_base& header) noexcept;

// The links of the new node; those of the others had been written before.
void WEIR_NAME(__wrap_, WEIR_INSERT)(bool left, std::_Rb_tree_node_base* node, std::_Rb_tree_node_base* parent,
                                     std::_Rb_tree_node_base& header) noexcept {
  WEIR_NAME(__real_, WEIR_INSERT)(left, node, parent, header);
  __msan_unpoison(node, sizeof *node);
  __msan_unpoison(&header, sizeof header);
}
}
