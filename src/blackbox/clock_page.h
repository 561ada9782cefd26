// What a subject and its watcher share in memory: the virtual clock, and whether the subject is at rest. C and C++.
//
// The watcher acts (writes, closes, moves the clock), then raises `epoch` and sends a byte. The subject, whenever it
// has nothing to do, reads `epoch`, looks once more at its descriptors and its clock, and only then writes what it
// read to `rested`: local sockets hand over at once, so rested == epoch means that all consequences have been drawn.
//
// No race decides what a subject hears first: stand-ins speak only while it stands still. Whoever has said something to
// one of them gives the word to the watcher before its next look (`handed`), and has it back when all answers are there
// (`returned`); and a subject at rest does not go on before the watcher has done all that it wants to do (`hold`).
// All fields but the last two are read and written atomically.
#pragma once

#include <stdint.h>

#define WEIR_CLOCK_PAGE_SIZE 4096
#define WEIR_CLOCK_PAGE_FD 200    // inherited; closed once mapped
#define WEIR_CLOCK_SOCKET_FD 201  // inherited; a byte either way wakes the other
#define WEIR_CLOCK_VARIABLE "WEIR_CLOCK"
#define WEIR_CLOCK_FAILED 97  // exit status of a subject that finds no clock

struct weir_clock_page {
  int64_t now_us;     // since the epoch
  uint64_t epoch;     // raised by the watcher
  uint64_t rested;    // the last epoch at which there was nothing to do
  int64_t until_us;   // until when, if nothing else happens
  uint64_t handed;    // how often the subject has given the word away
  uint64_t returned;  // and has it back
  uint32_t hold;      // not 0: the subject stands still
  uint32_t hurry;     // not 0: nobody sleeps any more
  uint32_t refusals;  // not 0: `refused` is complete
  uint32_t attached;  // not 0: the subject has the page
  int32_t watcher;    // its process
  char root[128];     // the scratch folder
  char refused[256];  // a call of the subject that does not work under this clock, or that it has no business with
};
