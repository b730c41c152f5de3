/* librunfs-layout: where a CI run leaves its outputs in S3, as pure functions. See runfs-layout(7). */
#ifndef RUNFS_LAYOUT_H
#define RUNFS_LAYOUT_H

#include <runfs/artifact.h>
#include <runfs/flatten.h>
#include <runfs/output.h>
#include <runfs/place.h>
#include <runfs/run.h>
#include <runfs/types.h>
#include <runfs/view.h>

#endif
