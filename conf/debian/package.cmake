# SPDX-License-Identifier: MIT
# The Debian package: `cpack -G DEB` in a build whose prefix is /usr.
set(PRESENCED_MAINTAINER "The presenced authors <presenced@packages.invalid>" CACHE STRING "Who answers for the package")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT ${PRESENCED_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "knows who of a Tencent Cloud Chat app is online")
set(CPACK_PACKAGE_DESCRIPTION
"presenced receives the status change callbacks (State.StateChange) that
Tencent Cloud Chat sends over HTTPS, checks their signature, keeps for each
user and platform whether it is online, in memory and on disk, and answers
questions about that to programs on the own network.")
set(CPACK_DEBIAN_DEBUGINFO_PACKAGE ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Not the service manager alone: postinst makes the user with it.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_LIST_DIR}/postinst
  ${CMAKE_CURRENT_LIST_DIR}/prerm
  ${CMAKE_CURRENT_LIST_DIR}/postrm)

# What a package has, and an installation by hand has not.
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/stage.cmake)
set(CPACK_PRESENCED_DEBIAN ${CMAKE_CURRENT_LIST_DIR})
set(CPACK_PRESENCED_PREFIX ${CMAKE_INSTALL_PREFIX})

include(CPack)
