# What find_package(strata) reads: the packages that the libraries link, then the targets, of which programs use strata::strata.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(fmt)
find_dependency(nlohmann_json)
find_dependency(ZLIB)
find_dependency(LLVM 19.1 CONFIG)
include(${CMAKE_CURRENT_LIST_DIR}/strataTargets.cmake)
