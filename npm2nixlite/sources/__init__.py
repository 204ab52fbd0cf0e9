"""Getting the bytes of a plan: tarballs, git trees and local files, from wherever they are."""
