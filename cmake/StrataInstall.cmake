# `cmake --install`: the binary, the libraries, and the headers that strata/strata.h needs; find_package(strata) then gives
# strata::strata, which a program links. What other packages the libraries need, strataConfig.cmake finds.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(installed_folders base text machine ir ops transform runtime compiler tensor formats nn optim data models infer)
add_library(strata_strata INTERFACE)
set_target_properties(strata_strata PROPERTIES EXPORT_NAME strata)
target_compile_features(strata_strata INTERFACE cxx_std_20)
target_include_directories(strata_strata INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
foreach(folder ${installed_folders})
  target_link_libraries(strata_strata INTERFACE strata_${folder})
  list(APPEND installed_libraries strata_${folder})
  set_target_properties(strata_${folder} PROPERTIES EXPORT_NAME ${folder})
endforeach()

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/strata)
install(TARGETS strata RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# So that `make build`, which builds the binary, leaves nothing out that is installed; its objects are the binary's.
add_dependencies(strata strata_c)
install(TARGETS strata_c ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${CMAKE_SOURCE_DIR}/strata/embed/embed.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/strata/embed)
install(TARGETS strata_strata ${installed_libraries} EXPORT strata ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT strata NAMESPACE strata:: FILE strataTargets.cmake DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/strataConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_SOURCE_DIR}/cmake/strataConfig.cmake ${CMAKE_BINARY_DIR}/strataConfigVersion.cmake DESTINATION ${package_folder})
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/strata)
# When it is installed, and not when it is configured: an #include that was added since counts.
install(CODE "set(ROOT \"${CMAKE_SOURCE_DIR}\")\nset(DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}\")")
install(SCRIPT ${CMAKE_SOURCE_DIR}/cmake/install_headers.cmake)
