target_sources(weir_postfix PRIVATE clock.cpp loop.cpp)
