# Settings that every target shares, and strata_folder(): one library and one test program per source folder.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(STRATA_SANITIZE "" CACHE STRING "sanitizers to build with, for -fsanitize=")
option(STRATA_TESTS "build the unit tests" ON)

find_program(STRATA_CCACHE ccache)
if(STRATA_CCACHE)
  # By the compiler's own list of includes: a miss then costs no preprocessor run of its own (some 6 % of a clean build).
  # By paths below the source folder: clones of the project share what they have compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_DEPEND=1 CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
                                  CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_PCH_EXTSUM=1
                                  ${STRATA_CCACHE})
endif()
find_program(STRATA_MOLD mold)
if(STRATA_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# -ffp-contract=off: an FMA is used only where the program says so (docs/design/design.md, section 4.2).
add_compile_options(-Wall -Wextra -Werror -Wno-missing-field-initializers -ffp-contract=off)
# g++ 12 takes moves of short strings for copies beyond their end, once the headers are precompiled.
add_compile_options("$<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-stringop-overread>")
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
if(STRATA_SANITIZE)
  # g++ 12 warns wrongly about moved variants when it instruments them.
  add_compile_options(-fsanitize=${STRATA_SANITIZE} -Wno-maybe-uninitialized -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${STRATA_SANITIZE})
endif()
include_directories(${CMAKE_SOURCE_DIR})
include(StrataFuzz)

find_package(fmt REQUIRED)
find_package(Threads REQUIRED)
if(STRATA_TESTS)
  find_package(GTest REQUIRED)
  enable_testing()
  include(GoogleTest)
endif()

# The standard library's headers, parsed once and not in each of hundreds of files (a third of the time that most of them take). Ours are
# not among them: an edit of one recompiles what includes it and no more. Headers are also compiled without (header_cost).
set(STRATA_STANDARD_HEADERS <algorithm> <array> <cmath> <functional> <map> <memory> <optional> <set> <span> <string>
    <string_view> <unordered_map> <utility> <variant> <vector> <fmt/format.h>)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/standard_headers.cpp CONTENT "")
add_library(strata_standard_headers OBJECT ${CMAKE_BINARY_DIR}/standard_headers.cpp)
target_link_libraries(strata_standard_headers PRIVATE fmt::fmt)
target_precompile_headers(strata_standard_headers PRIVATE ${STRATA_STANDARD_HEADERS})
# No two builds of the precompiled headers have the same bytes: ccache knows them by what they are made of.
function(strata_name_headers target made_of)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/CMakeFiles/${target}.dir/cmake_pch.hxx.gch.sum
       CONTENT "${CMAKE_CXX_COMPILER} ${CMAKE_CXX_COMPILER_VERSION}, fmt ${fmt_VERSION}, ${made_of}\n")
endfunction()
strata_name_headers(strata_standard_headers "${STRATA_STANDARD_HEADERS}")
function(strata_precompiled target)
  target_precompile_headers(${target} REUSE_FROM strata_standard_headers)
endfunction()

# Tests of the release build are compiled without optimisation, and with gtest among the headers: what they test is
# optimised, and two fifths of all compile time were theirs. The price: of an inline function that both have, the linker
# may take the copy of the test.
set(STRATA_TEST_OPTIONS $<$<CONFIG:Release>:-O0>)
if(STRATA_TESTS)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/test_headers.cpp CONTENT "")
  add_library(strata_test_headers OBJECT ${CMAKE_BINARY_DIR}/test_headers.cpp)
  target_link_libraries(strata_test_headers PRIVATE fmt::fmt GTest::gtest)
  target_compile_options(strata_test_headers PRIVATE ${STRATA_TEST_OPTIONS})
  target_precompile_headers(strata_test_headers PRIVATE ${STRATA_STANDARD_HEADERS} <gtest/gtest.h>)
  strata_name_headers(strata_test_headers "gtest ${GTest_VERSION}: ${STRATA_STANDARD_HEADERS}")
endif()

# strata_test(NAME [OPTIMISED]) behind add_executable(NAME ...), for each program of tests. OPTIMISED where it computes
# what it compares with in long loops of its own: those of tests/ends take three times as long without.
function(strata_test target)
  target_link_libraries(${target} PRIVATE GTest::gtest_main)
  if("OPTIMISED" IN_LIST ARGN)
    strata_precompiled(${target})
    return()
  endif()
  target_precompile_headers(${target} REUSE_FROM strata_test_headers)
  target_compile_options(${target} PRIVATE ${STRATA_TEST_OPTIONS})
endfunction()

# strata_folder(NAME STANDS_ON folder... LINKS library...)
# Makes strata_NAME from every .cpp below the folder and strata_NAME_test from every *_test.cpp. What lies in the folder's
# testing/ becomes strata_NAME_testing, which the tests of this folder and of those that stand on it link.
function(strata_folder name)
  cmake_parse_arguments(ARG "" "" "STANDS_ON;LINKS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  file(GLOB_RECURSE support CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/testing/*.cpp)
  list(REMOVE_ITEM sources ${support})
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_fuzz\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(TRANSFORM ARG_STANDS_ON PREPEND strata_)
  list(TRANSFORM ARG_STANDS_ON APPEND _testing OUTPUT_VARIABLE support_below)
  if(NOT sources)
    return()
  endif()
  add_library(strata_${name} STATIC ${sources})
  strata_precompiled(strata_${name})
  target_link_libraries(strata_${name} PUBLIC ${ARG_STANDS_ON} fmt::fmt Threads::Threads PRIVATE ${ARG_LINKS})
  if(STRATA_TESTS AND support)
    add_library(strata_${name}_testing STATIC ${support})
    strata_precompiled(strata_${name}_testing)
    target_link_libraries(strata_${name}_testing PUBLIC strata_${name} ${support_below} GTest::gtest)
  elseif(STRATA_TESTS)
    add_library(strata_${name}_testing INTERFACE)
    target_link_libraries(strata_${name}_testing INTERFACE strata_${name} ${support_below})
  endif()
  if(STRATA_TESTS AND tests)
    add_executable(strata_${name}_test ${tests})
    target_link_libraries(strata_${name}_test PRIVATE strata_${name}_testing ${ARG_LINKS})
    strata_test(strata_${name}_test)
    # A test whose suite name ends in Slow (TEST(LenetSlow, ...)) is left out of `make fast`.
    set(discover DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    gtest_discover_tests(strata_${name}_test ${discover} TEST_FILTER "-*Slow.*:*Slow/*" PROPERTIES LABELS ${name})
    gtest_discover_tests(strata_${name}_test ${discover} TEST_FILTER "*Slow.*:*Slow/*" PROPERTIES LABELS slow)
  endif()
  strata_fuzzers(${name})
endfunction()
