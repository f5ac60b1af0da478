# Fuzz targets: with STRATA_FUZZ (preset fuzz: clang++-19, libFuzzer, ASan, UBSan) each x_fuzz.cpp below a folder of strata/
# becomes the program <folder>_x_fuzz in build/fuzz/fuzz/, linked with its folder. `ninja fuzzers` builds them all, and with them only
# the libraries that they need. tools/fuzz runs them.
option(STRATA_FUZZ "build the fuzz targets (needs clang)" OFF)

if(STRATA_FUZZ)
  # g++ keeps the warnings clean; clang's further ones must not stop a fuzz run.
  add_compile_options(-Wno-error -w -fsanitize=fuzzer-no-link)
  add_custom_target(fuzzers)
endif()

function(strata_fuzzers folder)
  if(NOT STRATA_FUZZ)
    return()
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_fuzz.cpp)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    set(target ${folder}_${name})
    add_executable(${target} EXCLUDE_FROM_ALL ${source})
    target_link_libraries(${target} PRIVATE strata_${folder})
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    add_dependencies(fuzzers ${target})
  endforeach()
endfunction()
