"""What an iPhone offers over RemoteXPC: the services behind its tunnel, and who lists them.

A real iPhone (iOS 17 and newer) makes a network of its own to the computer, on which each service
has a port; a program of the computer's owner keeps it up and tells others where the services are
(``appium driver run xcuitest tunnel-creation``). Here the network is the loopback interface.
"""
