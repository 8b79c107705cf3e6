# cmake --install build/release --prefix X: headers, static libraries and what find_package(weir) needs.
#
#   find_package(weir REQUIRED)
#   target_link_libraries(app PRIVATE weir::weir)        # or one module: weir::http1
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
option(WEIR_INSTALL "Make an install target" ${PROJECT_IS_TOP_LEVEL})
if(NOT WEIR_INSTALL)
  return()
endif()

get_property(modules GLOBAL PROPERTY WEIR_MODULES)
foreach(module IN LISTS modules)
  install(TARGETS weir_${module} EXPORT weirTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  # detail/ comes along, because templates in public headers include it; it is no interface.
  install(DIRECTORY src/weir/${module} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weir
    FILES_MATCHING PATTERN "*.hpp" PATTERN "*_test.hpp" EXCLUDE PATTERN "*_test_*.hpp" EXCLUDE)
endforeach()
install(TARGETS weir_weir EXPORT weirTargets)
if(EXISTS ${PROJECT_SOURCE_DIR}/src/weir/weir.hpp)
  install(FILES src/weir/weir.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weir)
endif()
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(weir_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
install(EXPORT weirTargets NAMESPACE weir:: DESTINATION ${weir_cmake_dir})
configure_package_config_file(cmake/weirConfig.cmake.in ${CMAKE_BINARY_DIR}/weirConfig.cmake
  INSTALL_DESTINATION ${weir_cmake_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/weirConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/weirConfig.cmake ${CMAKE_BINARY_DIR}/weirConfigVersion.cmake
  DESTINATION ${weir_cmake_dir})
install(FILES cmake/WeirDependencies.cmake DESTINATION ${weir_cmake_dir} RENAME weirDependencies.cmake)
