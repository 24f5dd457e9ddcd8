#!/bin/sh
# Makes every picture from the drawings in this folder. Needs rsvg-convert, icotool and png2icns; see README.md.
set -eu
cd "$(dirname "$0")"

draw() { rsvg-convert --width "$2" --height "$2" --output "$3" "$1"; }

draw holdfast.svg 32 32x32.png
draw holdfast.svg 128 128x128.png
draw holdfast.svg 256 128x128@2x.png
draw holdfast.svg 256 256x256.png
for state in protected working attention; do
  draw "tray/$state.svg" 64 "tray/$state.png"
done

aside=$(mktemp -d)
trap 'rm -r "$aside"' EXIT
for size in 16 32 48 64 128 256 512; do
  draw holdfast.svg $size "$aside/$size.png"
done
icotool --create --output icon.ico "$aside/16.png" "$aside/32.png" "$aside/48.png" "$aside/64.png" --raw "$aside/256.png"
png2icns icon.icns "$aside/16.png" "$aside/32.png" "$aside/48.png" "$aside/128.png" "$aside/256.png" "$aside/512.png"
