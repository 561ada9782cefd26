# Everything of the process that is not files of messages and peers.
target_sources(weir_postfix PRIVATE
  accounts.cpp
  log_sink.cpp
  main_cf_file.cpp
  master.cpp
  privileges.cpp
  process.cpp
  process_log.cpp
  trigger_listener.cpp
  watchdog.cpp
)
