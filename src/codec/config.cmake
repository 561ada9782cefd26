# main.cf, its expansion, the parameters and the command line: text to settings.
add_library(weir_codec_config STATIC
  domain_list.cpp
  main_cf.cpp
  options.cpp
  parameters.cpp
  text.cpp
  time_value.cpp
)
target_link_libraries(weir_codec_config PUBLIC weir_flags weir_contract)
