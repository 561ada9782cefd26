# Everything that passes over sockets, pipes and into logs.
add_library(weir_codec_wire STATIC
  address.cpp
  attr.cpp
  delay.cpp
  delivery.cpp
  greeting.cpp
  log_line.cpp
  notify.cpp
  resolve.cpp
  trigger.cpp
  version.cpp
)
target_link_libraries(weir_codec_wire PUBLIC weir_flags weir_contract)
