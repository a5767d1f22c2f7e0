"""Any upload becomes pages, one at a time: strictly decoded, bounded before decoding, refused one by one."""
