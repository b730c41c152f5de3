# Warnings for all our code; RUNFS_WERROR (presets, CI) makes them errors.
option(RUNFS_WERROR "Treat warnings as errors" OFF)
add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wvla -Wformat=2 -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings
  -Wnull-dereference -Wimplicit-fallthrough -fno-common -fstack-protector-strong)
if(RUNFS_WERROR)
  add_compile_options(-Werror)
endif()
add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64 RUNFS_VERSION="${PROJECT_VERSION}")
if(CMAKE_BUILD_TYPE STREQUAL Debug)
  add_compile_definitions(RUNFS_CHECKS) # lock order, waits on threads that must not wait
endif()
if(CMAKE_BUILD_TYPE MATCHES "Release|RelWithDebInfo")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
add_link_options(-Wl,-z,relro,-z,now)

# RUNFS_SANITIZE: empty, or a list for -fsanitize= (presets asan, tsan, fuzz).
set(RUNFS_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=")
if(RUNFS_SANITIZE)
  add_compile_options(-fsanitize=${RUNFS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${RUNFS_SANITIZE})
endif()
