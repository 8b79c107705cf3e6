# cmake -P: see CMakeLists.txt. Every step must succeed, but for those that must not.
function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  set(output "${output}" PARENT_SCOPE)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what} failed (${status}):\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
set(prefix ${WORK}/prefix)
run("cmake --install" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})

file(GLOB_RECURSE installed RELATIVE ${prefix} ${prefix}/*)
foreach(file IN LISTS installed)
  if(file MATCHES "_(test|bench|fuzz)\\.|\\.cpp$|README")
    message(FATAL_ERROR "${file} has no business in an installation")
  endif()
endforeach()

# The exported files must be usable elsewhere: no path of this tree in them.
file(GLOB cmake_files ${prefix}/lib*/cmake/weir/*.cmake ${prefix}/lib/*/cmake/weir/*.cmake)
if(NOT cmake_files)
  message(FATAL_ERROR "no weirConfig.cmake was installed: ${installed}")
endif()
foreach(file IN LISTS cmake_files)
  file(READ ${file} text)
  string(FIND "${text}" "${BUILD}" at)
  if(NOT at EQUAL -1)
    message(FATAL_ERROR "${file} names the build tree")
  endif()
endforeach()

set(flags "")
if(SANITIZE)
  set(flags "-fsanitize=${SANITIZE} -fno-sanitize-recover=all")
endif()
if(COVERAGE)
  string(APPEND flags " --coverage")
endif()
set(configure ${CMAKE_COMMAND} -S ${OUTSIDE} -G Ninja -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_CXX_COMPILER=${COMPILER}
  -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} "-DCMAKE_CXX_FLAGS=${flags}")
run("configuring the outside project" ${configure} -B ${WORK}/build -DWEIR_VERSION=${VERSION})
run("building the outside project" ${CMAKE_COMMAND} --build ${WORK}/build)
run("running the outside project" ${WORK}/build/app)
if(NOT output MATCHES "outside project: ok")
  message(FATAL_ERROR "the outside project said: ${output}")
endif()

# An older standard is refused in one sentence.
execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only -I${prefix}/include -include weir/weir.hpp -x c++ /dev/null
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
string(REGEX MATCHALL "error: " errors "${output}")
list(LENGTH errors count)
if(status EQUAL 0 OR NOT output MATCHES "Weir needs C\\+\\+23" OR NOT count EQUAL 1)
  message(FATAL_ERROR "weir.hpp as C++20 was not refused in one sentence: ${output}")
endif()

# A version that is not there is refused, by find_package and not by a crash.
execute_process(COMMAND ${configure} -B ${WORK}/refused -DWEIR_VERSION=99.0 RESULT_VARIABLE status ERROR_VARIABLE output OUTPUT_QUIET)
if(status EQUAL 0 OR NOT output MATCHES "99\\.0")
  message(FATAL_ERROR "find_package(weir 99.0) was not refused: ${output}")
endif()
