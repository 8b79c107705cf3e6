# Target weir_headers: compiles every header of every module on its own, so that none leans on what its includer
# happened to include before. Not part of the default build; `./dev check` runs it.
add_custom_target(weir_headers)
get_property(modules GLOBAL PROPERTY WEIR_MODULES)
foreach(module IN LISTS modules)
  file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/src
    ${PROJECT_SOURCE_DIR}/src/weir/${module}/*.hpp ${PROJECT_SOURCE_DIR}/src/weir/${module}/detail/*.hpp)
  if(NOT headers)
    continue()
  endif()
  set(sources "")
  foreach(header IN LISTS headers)
    string(MAKE_C_IDENTIFIER ${header} name)
    set(source ${CMAKE_BINARY_DIR}/headers/${name}.cpp)
    # Twice: the second one fails where the guard is missing.
    file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${header}\"\n#include \"${header}\"\n")
    list(APPEND sources ${source})
  endforeach()
  add_library(weir_${module}_headers OBJECT EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(weir_${module}_headers PRIVATE weir_${module})
  get_target_property(private weir_${module} LINK_LIBRARIES)
  if(private)  # what a header in detail/ may use
    target_link_libraries(weir_${module}_headers PRIVATE ${private})
  endif()
  target_compile_options(weir_${module}_headers PRIVATE -O0 -g0)
  add_dependencies(weir_headers weir_${module}_headers)
endforeach()
