from django.urls import path

from catalogue import views

urlpatterns = [
    path("categories/", views.categories),
    path("products/add/", views.add_product),
]
