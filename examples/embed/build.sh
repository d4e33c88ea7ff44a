#!/bin/sh
# build.sh OUTPUT: the program with pkg-config alone. Where vos is installed elsewhere: PKG_CONFIG_PATH=PREFIX/lib/pkgconfig.
# Another LibTorch than the one vos was built with: add --define-variable=torch=PATH.
set -e
${CXX:-g++} -std=c++20 -O2 "$(dirname "$0")/main.cpp" -o "${1:-embed}" $(pkg-config --cflags --libs vos)
