# One library a folder of src/. runfs_room(NAME [LIBRARIES...]) builds runfs-NAME from the folder's *.c files.
function(runfs_room name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  add_library(runfs-${name} STATIC ${sources})
  target_include_directories(runfs-${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(runfs-${name} PUBLIC ${ARGN})
endfunction()
