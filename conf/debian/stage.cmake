# SPDX-License-Identifier: MIT
# Runs between the installation into the package's folder and its packing.
if(NOT CPACK_PRESENCED_PREFIX STREQUAL CPACK_PACKAGING_INSTALL_PREFIX)
  message(FATAL_ERROR "the unit and the manual pages name ${CPACK_PRESENCED_PREFIX}, a package wants "
    "${CPACK_PACKAGING_INSTALL_PREFIX}: configure with -DCMAKE_INSTALL_PREFIX=${CPACK_PACKAGING_INSTALL_PREFIX}")
endif()

set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
set(doc ${root}/usr/share/doc/presenced)

file(STRINGS ${CPACK_PRESENCED_DEBIAN}/changelog first LIMIT_COUNT 1)
set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
if(NOT first MATCHES "^presenced \\(${version}\\) ")
  message(FATAL_ERROR "conf/debian/changelog does not begin with ${version} but: ${first}")
endif()

# postinst puts it in place where there is none: a file of dpkg's would be asked about when both sides change it.
file(MAKE_DIRECTORY ${root}/usr/share/presenced)
file(RENAME ${root}/etc/presenced/presenced.conf ${root}/usr/share/presenced/presenced.conf)

file(COPY ${CPACK_PRESENCED_DEBIAN}/copyright DESTINATION ${doc})
configure_file(${CPACK_PRESENCED_DEBIAN}/lintian-overrides ${root}/usr/share/lintian/overrides/presenced COPYONLY)
configure_file(${CPACK_PRESENCED_DEBIAN}/changelog ${doc}/changelog.Debian COPYONLY)
file(GLOB pages ${root}/usr/share/man/man*/*)
execute_process(COMMAND gzip -9 --no-name ${doc}/changelog.Debian ${pages} COMMAND_ERROR_IS_FATAL ANY)

# Whatever the umask of who builds it.
set(for_all OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
set(folders ${for_all} OWNER_EXECUTE GROUP_EXECUTE WORLD_EXECUTE)
file(CHMOD_RECURSE ${root} DIRECTORY_PERMISSIONS ${folders})
file(CHMOD_RECURSE ${root}/usr/share FILE_PERMISSIONS ${for_all} DIRECTORY_PERMISSIONS ${folders})
