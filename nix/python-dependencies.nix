# What the program imports, of Python packages in nixpkgs; with signing, zstd and S3 for `push`.
#
# Type: pythonDependencies :: python3Packages -> [ package ]
python: [
  python.aiobotocore
  python.aiohttp
  python.cryptography
  python.node-semver
  python.packaging
  python.semver
  python.tqdm
  python.zstandard
]
