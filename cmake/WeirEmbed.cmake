# weir_embed(TARGET target NAME name [FILES file…] [BASE folder] [GZIP])
#
# Puts files into a target. Its sources then say
#     #include "embedded/NAME.hpp"
#     std::span<const weir::EmbeddedFile> files = weir::embedded::NAME();
# and get for each its name (relative to BASE, else without folders), content type, ETag and bytes, with GZIP also a compressed
# variant made here (by gzip -9, where it saves a tenth or more). Without FILES the list is empty: the code compiles the
# same. The target must link weir::base. The bytes go in by the assembler's .incbin, which g++ and clang share: 2 MB cost
# no compile time, unlike an array in C++.
function(weir_embed)
  cmake_parse_arguments(arg "GZIP" "TARGET;NAME;BASE" "FILES" ${ARGN})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded/${arg_TARGET})
  set(assembler "")
  set(declarations "")
  set(entries "")
  set(inputs "")
  set(index 0)
  foreach(file IN LISTS arg_FILES)
    get_filename_component(file ${file} ABSOLUTE)
    if(arg_BASE)
      get_filename_component(base ${arg_BASE} ABSOLUTE)
      file(RELATIVE_PATH name ${base} ${file})
    else()
      get_filename_component(name ${file} NAME)
    endif()
    # Sizes and hashes are taken now, so a change of the file must bring CMake back.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(SHA256 ${file} hash)
    string(SUBSTRING ${hash} 0 32 hash)
    weir_content_type(${name} type)
    set(symbol weir_embedded_${arg_NAME}_${index})
    _weir_embed_blob(${symbol} ${file})
    set(gzip "{}")
    if(arg_GZIP)
      set(packed ${out}/gzip/${name}.gz)
      _weir_gzip(${file} ${packed} worthwhile)
      if(worthwhile)
        _weir_embed_blob(${symbol}_gzip ${packed})
        set(gzip "{${symbol}_gzip, ${size}}")
        _weir_size(${file} size)
      endif()
    endif()
    _weir_size(${file} size)
    string(APPEND entries "    {\"${name}\", {${symbol}, ${size}}, ${gzip}, \"${type}\", \"\\\"${hash}\\\"\", \"\\\"${hash}-gzip\\\"\"},\n")
    math(EXPR index "${index} + 1")
  endforeach()

  file(CONFIGURE OUTPUT ${out}/embedded/${arg_NAME}.hpp @ONLY CONTENT
"// Made by weir_embed (cmake/WeirEmbed.cmake).
#pragma once
#include <span>

#include \"weir/base/embedded_file.hpp\"

namespace weir::embedded {
/// ${index} files, in the order in which the build names them.
std::span<const EmbeddedFile> ${arg_NAME}() noexcept;
}  // namespace weir::embedded
")
  if(index EQUAL 0)
    set(body "  return {};\n")
  else()
    set(body "  static constexpr EmbeddedFile kFiles[] = {\n${entries}  };\n  return kFiles;\n")
  endif()
  file(CONFIGURE OUTPUT ${out}/${arg_NAME}.cpp @ONLY CONTENT
"// Made by weir_embed (cmake/WeirEmbed.cmake).
#include \"embedded/${arg_NAME}.hpp\"

${assembler}
extern \"C\" {
${declarations}}

namespace weir::embedded {
std::span<const EmbeddedFile> ${arg_NAME}() noexcept {
${body}}
}  // namespace weir::embedded
")
  target_sources(${arg_TARGET} PRIVATE ${out}/${arg_NAME}.cpp)
  # The compiler does not report what .incbin reads.
  set_property(SOURCE ${out}/${arg_NAME}.cpp APPEND PROPERTY OBJECT_DEPENDS "${inputs}")
  target_include_directories(${arg_TARGET} PRIVATE ${out})
endfunction()

# weir_npm_folder(PACKAGE OUT): the folder that tools/fetch-npm-package unpacked PACKAGE to, or nothing, with a word about it.
function(weir_npm_folder package out)
  file(READ ${PROJECT_SOURCE_DIR}/tools/npm/package-lock.json lock)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/npm/package-lock.json)
  string(JSON version GET "${lock}" packages node_modules/${package} version)
  set(WEIR_NPM_DIR ${PROJECT_SOURCE_DIR}/build/npm CACHE PATH "Where tools/fetch-npm-package unpacks to")
  set(folder ${WEIR_NPM_DIR}/${package}/${version})
  if(NOT IS_DIRECTORY ${folder})
    message(STATUS "weir: ${package} ${version} is not there, so what it would show is a plain page; tools/fetch-npm-package --all brings it")
    set(folder "")
  endif()
  set(${out} ${folder} PARENT_SCOPE)
endfunction()

# weir_embed_npm(TARGET target NAME name PACKAGE package FILES file… [GZIP]): weir_embed of files of an npm package, or of none
# where it has not been fetched.
function(weir_embed_npm)
  cmake_parse_arguments(arg "GZIP" "TARGET;NAME;PACKAGE" "FILES" ${ARGN})
  weir_npm_folder(${arg_PACKAGE} folder)
  if(folder)
    list(TRANSFORM arg_FILES PREPEND ${folder}/)
  else()
    set(arg_FILES "")
  endif()
  set(gzip "")
  if(arg_GZIP)
    set(gzip GZIP)
  endif()
  weir_embed(TARGET ${arg_TARGET} NAME ${arg_NAME} FILES ${arg_FILES} ${gzip})
endfunction()

# weir_content_type(FILE OUT): the media type of a file by the end of its name.
function(weir_content_type file out)
  set(types
    html "text/html, charset=utf-8" css "text/css, charset=utf-8" js "text/javascript, charset=utf-8"
    mjs "text/javascript, charset=utf-8" txt "text/plain, charset=utf-8" md "text/markdown, charset=utf-8"
    json "application/json" map "application/json" yaml "application/yaml" svg "image/svg+xml" png "image/png"
    ico "image/x-icon" webp "image/webp" woff2 "font/woff2" wasm "application/wasm" pdf "application/pdf")
  get_filename_component(extension ${file} LAST_EXT)
  string(REGEX REPLACE "^\\." "" extension "${extension}")
  string(TOLOWER "${extension}" extension)
  set(type "application/octet-stream")
  if(extension STREQUAL "")
    set(type "text/plain, charset=utf-8")  # LICENSE, NOTICE
  else()
    list(FIND types "${extension}" at)
    if(NOT at EQUAL -1)
      math(EXPR at "${at} + 1")
      list(GET types ${at} type)
    endif()
  endif()
  string(REPLACE ", charset" "; charset" type "${type}")
  set(${out} "${type}" PARENT_SCOPE)
endfunction()

function(_weir_size file out)
  file(SIZE ${file} size)
  set(${out} ${size} PARENT_SCOPE)
endfunction()

# Appends one blob to the caller's `assembler`, `declarations` and `inputs`, and leaves its `size` there.
macro(_weir_embed_blob symbol file)
  _weir_size(${file} size)
  string(APPEND assembler
    "__asm__(\".pushsection .rodata\\n.balign 16\\n.global ${symbol}\\n.hidden ${symbol}\\n.type ${symbol}, %object\\n\"\n"
    "        \"${symbol}:\\n.incbin \\\"${file}\\\"\\n.byte 0\\n.size ${symbol}, . - ${symbol}\\n.popsection\\n\");\n")
  math(EXPR size_with_nul "${size} + 1")
  string(APPEND declarations "extern const char ${symbol}[${size_with_nul}];\n")
  list(APPEND inputs ${file})
endmacro()

# Compresses file to packed if that is newer or not there; worthwhile is whether it saves a tenth.
function(_weir_gzip file packed worthwhile)
  find_program(WEIR_GZIP gzip)
  set(${worthwhile} FALSE PARENT_SCOPE)
  if(NOT WEIR_GZIP)
    return()
  endif()
  if(NOT EXISTS ${packed} OR ${file} IS_NEWER_THAN ${packed})
    get_filename_component(folder ${packed} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    execute_process(COMMAND ${WEIR_GZIP} -9 -n -c ${file} OUTPUT_FILE ${packed} COMMAND_ERROR_IS_FATAL ANY)
  endif()
  file(SIZE ${file} plain)
  file(SIZE ${packed} small)
  math(EXPR limit "${plain} * 9 / 10")
  if(small LESS limit)
    set(${worthwhile} TRUE PARENT_SCOPE)
  endif()
endfunction()
