# How nginx serves a directory as a binary cache, and takes uploads (PUT) from who has a token.
#
# Type: cacheServer :: { directory, uploads, tokens } -> { httpConfig, location }
#
# directory: where the cache is. uploads: where uploads lie until they are whole, on the same file
# system. tokens: a file that sets $npm2nixlite_cache_token to 1 for requests with a token; it is
# outside the store.
{
  directory,
  uploads,
  tokens,
}:
{
  httpConfig = ''
    include ${tokens};
    map $request_method$npm2nixlite_cache_token $npm2nixlite_cache_refused {
      default 1;
      "~^(GET|HEAD)" 0;
      PUT1 0;
    }
  '';

  location = ''
    root ${directory};
    autoindex on;
    autoindex_format json;
    if ($npm2nixlite_cache_refused) { return 401; }
    client_max_body_size 0;
    client_body_temp_path ${uploads};
    dav_methods PUT;
    create_full_put_path on;
    dav_access user:rw group:r all:r;
    types { text/x-nix-narinfo narinfo; application/x-nix-nar nar; }
    default_type application/octet-stream;
  '';
}
