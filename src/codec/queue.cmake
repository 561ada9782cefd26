# Queue files: records, the reader, the in-place writes, a writer for tests, queue IDs and paths.
add_library(weir_codec_queue STATIC
  queue_file.cpp
  queue_file_writer.cpp
  queue_id.cpp
  queue_text.cpp
  queue_walk.cpp
  record.cpp
)
target_link_libraries(weir_codec_queue PUBLIC weir_flags weir_contract)
