target_sources(weir_postfix PRIVATE
  agent.cpp
  clock.cpp
  driver.cpp
  flow.cpp
  loop.cpp
  notifier.cpp
  queue_scan.cpp
  resolver.cpp
  spool.cpp
  stream.cpp
  voice.cpp
)
