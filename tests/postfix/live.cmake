# Live tests: the queue manager of this build tree under the real master(8).  Label `live`; skipped (77) where they
# cannot run: not root, or no Postfix.  Each case is a test of its own, so that ctest names what fails.
find_program(WEIR_PYTHON python3)
set(WEIR_LIVE_QMGR "${CMAKE_BINARY_DIR}/bin/qmgr" CACHE FILEPATH "Queue manager binary that the live tests start")

# Tests that judge how soon something happens, or fill the machine by themselves.
set(live_alone reload-under-load kill-under-load backoff-series expiry ignore-time-stamps fairness silent-trigger-client
    slow-trigger-clients agent-stalls-in-greeting agent-stalls-in-reply agent-never-greets agent-never-replies
    resolver-stalls bad-starts)

# weir_add_live(PREFIX SCRIPT [PERSONALITY NAME...]): every test that the script lists for qmgr; or these alone, of
# another personality, whose name stands in front.
function(weir_add_live prefix script)
  set(path ${CMAKE_CURRENT_LIST_DIR}/${script})
  set(personality qmgr)
  set(before "")
  if(ARGC GREATER 2)
    set(personality ${ARGV2})
    set(before ${personality}.)
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  execute_process(COMMAND ${WEIR_PYTHON} -B ${path} --personality ${personality} --list OUTPUT_VARIABLE listed
                  RESULT_VARIABLE result OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${script} --list failed")
  endif()
  string(REPLACE "\n" ";" listed "${listed}")
  set(names ${listed})
  if(ARGC GREATER 3)
    list(SUBLIST ARGV 3 -1 names)
  endif()
  foreach(name IN LISTS names)
    if(NOT name IN_LIST listed)
      message(FATAL_ERROR "${script} has no test ${name} for ${personality}")
    endif()
    set(test live.${before}${prefix}.${name})
    add_test(NAME ${test} COMMAND ${WEIR_PYTHON} -B ${path} --exact ${name} --qmgr ${WEIR_LIVE_QMGR}
                                  --personality ${personality})
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
  weir_add_live(security test_security.py)
  if(NOT WEIR_HARDEN)
    set_tests_properties(live.security.hardened-program PROPERTIES DISABLED ON)  # says nothing of other builds
  endif()
  weir_add_live(trace test_trace.py)
  weir_add_live(profile test_profile.py)
  weir_add_live(switch test_switch.py)
  # What depends on the personality; the scripts play the rest, too, when asked (--personality).
  weir_add_live(case run.py oqmgr smtp-sink in-line)
  weir_add_live(cycle test_cycle.py oqmgr delivery-order recipient-refill scan-in-progress fairness done-sequence)
  weir_add_live(robust test_robust.py oqmgr settings-of-oqmgr)
  weir_add_live(switch test_switch.py oqmgr switch-under-load)
  weir_add_live(claim test_claims.py oqmgr log-names damaged-file-of-oqmgr)
  weir_add_live(case run.py nqmgr smtp-sink small-message)
  weir_add_live(claim test_claims.py nqmgr old-name)
  weir_add_live(switch test_switch.py nqmgr switch-under-load)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/cases.py)
else()
  message(STATUS "python3 not found: no live tests")
endif()
