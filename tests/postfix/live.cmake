# Live tests: the queue manager of this build tree under the real master(8).  Label `live`; skipped (77) where they
# cannot run: not root, or no Postfix.  Each case is a test of its own, so that ctest names what fails.
find_program(WEIR_PYTHON python3)
set(WEIR_LIVE_QMGR "${CMAKE_BINARY_DIR}/bin/qmgr" CACHE FILEPATH "Queue manager binary that the live tests start")

# Tests that judge how soon something happens, or fill the machine by themselves.
set(live_alone reload-under-load kill-under-load backoff-series expiry ignore-time-stamps fairness silent-trigger-client
    slow-trigger-clients agent-stalls-in-greeting agent-stalls-in-reply agent-never-greets agent-never-replies
    resolver-stalls bad-starts)

# weir_add_live(PREFIX SCRIPT): every test that the script lists.
function(weir_add_live prefix script)
  set(path ${CMAKE_CURRENT_LIST_DIR}/${script})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  execute_process(COMMAND ${WEIR_PYTHON} -B ${path} --list OUTPUT_VARIABLE names RESULT_VARIABLE result
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${script} --list failed")
  endif()
  string(REPLACE "\n" ";" names "${names}")
  foreach(name IN LISTS names)
    set(test live.${prefix}.${name})
    add_test(NAME ${test} COMMAND ${WEIR_PYTHON} -B ${path} --exact ${name} --qmgr ${WEIR_LIVE_QMGR})
    set_tests_properties(${test} PROPERTIES LABELS live SKIP_RETURN_CODE 77 TIMEOUT 240)
    if(name IN_LIST live_alone)
      set_tests_properties(${test} PROPERTIES RUN_SERIAL ON)
    endif()
  endforeach()
endfunction()

if(WEIR_PYTHON)
  weir_add_live(case run.py)
  weir_add_live(cycle test_cycle.py)
  weir_add_live(robust test_robust.py)
  weir_add_live(claim test_claims.py)
  weir_add_live(trace test_trace.py)
  weir_add_live(profile test_profile.py)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/cases.py)
else()
  message(STATUS "python3 not found: no live tests")
endif()
