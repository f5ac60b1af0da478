# Writes OUT, a C++ file that defines strata::runtime::sources_hash(): a hash over the names and texts of the sources that
# decide what machine code a graph becomes. Run by the build whenever one of them changes:
#   cmake -DROOT=... -DFOLDERS="strata/ir;strata/ops" -DOUT=... -P hash_sources.cmake
# Tests, their support and fuzz targets don't count. An unchanged OUT is left alone, so that nothing is compiled again.
set(texts "")
foreach(folder ${FOLDERS})
  file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/${folder}/*.cpp ${ROOT}/${folder}/*.h)
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cpp$|^${folder}/testing/")
  list(SORT sources)
  foreach(source ${sources})
    file(SHA256 ${ROOT}/${source} hash)
    string(APPEND texts "${source} ${hash}\n")
  endforeach()
endforeach()
string(SHA256 hash "${texts}")
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT [[
#include "strata/runtime/machine_code/sources_hash.h"

std::string_view strata::runtime::sources_hash() { return "@hash@"; }
]])
