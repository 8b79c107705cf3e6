# The libraries that Weir is linked with, all of them Debian packages (tools/packages names them). Nothing is downloaded.
# This file is also installed: weirConfig.cmake includes it, so that a user's project finds the same ones.
#
# weir_find(PACKAGE …)         as find_package(PACKAGE … REQUIRED)
# weir_find_pkgconfig(NAME M)  makes the target PkgConfig::NAME from the pkg-config module M
if(NOT COMMAND weir_find)
  macro(weir_find)
    find_package(${ARGN} REQUIRED)
  endmacro()
  macro(weir_find_pkgconfig name module)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  endmacro()
endif()

weir_find(Threads)
weir_find(PkgConfig)
weir_find(OpenSSL 3.0)
weir_find(ZLIB)
weir_find(simdjson)
weir_find(CLI11)
weir_find_pkgconfig(RE2 re2)
weir_find_pkgconfig(BROTLI libbrotlienc)
weir_find_pkgconfig(ZSTD libzstd)
weir_find_pkgconfig(NGHTTP2 libnghttp2)
